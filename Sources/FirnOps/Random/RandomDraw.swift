internal import CFirnKernels
public import FirnGraph

/// Numbers drawn from a distribution.
///
/// | mnemonic | y[i] | |
/// | --- | --- | --- |
/// | `random_uniform` | low + (high - low) u | u one of the multiples of 2⁻²⁴ in [0, 1) |
/// | `random_normal` | mean + deviation z | z standard normal by Box and Muller's method |
///
/// | operand | type | |
/// | --- | --- | --- |
/// | state | `i32[4]` | seed low and high, run low and high, as bits |
/// | indices | `i32[]`, any number | positions of enclosing loops, outermost first |
///
/// C1: the state is `i32[4]`. C2: indices are `i32[]`. C3: `dtype` is floating point. C4: what they are drawn by
/// is finite, high - low too.
///
/// The numbers are a function of seed, `key`, run and indices alone. In `f64` they are drawn from the same bits.
///
/// - Complexity: one pass, 1 FLOP an element drawn evenly, 4 for a normal one.
package struct RandomDraw: KernelOp, OpaqueOp {
  package enum Distribution: Hashable, Sendable {
    case uniform(low: Double, high: Double)
    case normal(mean: Double, deviation: Double)
  }

  package var distribution: Distribution
  package var shape: Shape
  package var dtype: DType
  /// The path of the op where it was made; its hash is the stream's name.
  package var key: String

  package init(_ distribution: Distribution, shape: Shape, dtype: DType = .f32, key: String) {
    self.distribution = distribution
    self.shape = shape
    self.dtype = dtype
    self.key = key
  }

  package static let mnemonics = ["random_uniform", "random_normal"]

  package var mnemonic: String {
    switch distribution {
    case .uniform: "random_uniform"
    case .normal: "random_normal"
    }
  }

  package var attributes: Attributes {
    let (shape, dtype, key) = (
      AttributeValue.shape(shape), AttributeValue.dtype(dtype), AttributeValue.string(key)
    )
    return switch distribution {
    case .uniform(let low, let high):
      ["shape": shape, "dtype": dtype, "key": key, "low": .double(low), "high": .double(high)]
    case .normal(let mean, let deviation):
      ["shape": shape, "dtype": dtype, "key": key, "mean": .double(mean), "deviation": .double(deviation)]
    }
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    let distribution: Distribution =
      mnemonic == "random_uniform"
      ? .uniform(low: try attributes.double("low"), high: try attributes.double("high"))
      : .normal(mean: try attributes.double("mean"), deviation: try attributes.double("deviation"))
    self.init(
      distribution, shape: try attributes.shape("shape"), dtype: try attributes.dtype("dtype"),
      key: try attributes.string("key"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try requireRandomState(operands, from: 0)
    try TensorType(dtype, shape).requireFloatingPoint("result", "C3")
    let numbers =
      switch distribution {
      case .uniform(let low, let high): [low, high, high - low]
      case .normal(let mean, let deviation): [mean, deviation]
      }
    try require(
      numbers.allSatisfy(\.isFinite), "C4", .invalidArgument,
      "drawn by \(numbers.map { "\($0)" }.joined(separator: ", "))", remedy: "give finite numbers")
    return [TensorType(dtype, shape)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { context.operands.map { _ in nil } }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    switch distribution {
    case .uniform: shape.elementCount
    case .normal: shape.elementCount * 4
    }
  }

  package var canFail: Bool { false }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (count, inputs, name) = (results[0].elementCount, operands.count, Philox.hash(key))
    let (distribution, isFast) = (distribution, results[0].dtype == .f32)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let stream = RandomStream(call, name: name, first: 0, count: inputs)
      let (fast, plain) = (call.result(as: Float.self), call.result(as: Double.self))
      call.inPieces(count) { start, n in
        if isFast {
          Self.draw(distribution, stream, to: fast, start, n)
        } else {
          Self.draw(distribution, stream, to: plain, start, n)
        }
      }
    }
  }

  private static func draw(
    _ distribution: Distribution, _ stream: RandomStream, to y: UnsafeMutablePointer<Float>, _ start: Int,
    _ n: Int
  ) {
    let (k, c) = (stream.key, stream.counter)
    switch distribution {
    case .uniform(let low, let high):
      firn_random_uniform_f32(k.0, k.1, c.0, c.1, c.2, start, Float(low), Float(high), y + start, n)
    case .normal(let mean, let deviation):
      firn_random_normal_f32(k.0, k.1, c.0, c.1, c.2, start, Float(mean), Float(deviation), y + start, n)
    }
  }

  private static func draw(
    _ distribution: Distribution, _ stream: RandomStream, to y: UnsafeMutablePointer<Double>, _ start: Int,
    _ n: Int
  ) {
    switch distribution {
    case .uniform(let low, let high):
      for i in start..<start + n { y[i] = low + (high - low) * stream.uniform(i) }
    case .normal(let mean, let deviation):
      for i in start..<start + n { y[i] = mean + deviation * stream.normal(i) }
    }
  }
}

extension Graph {
  /// Numbers drawn evenly from [low, high), anew in each run and each iteration of a loop.
  ///
  /// low + (high - low) u with u one of the multiples of 2⁻²⁴ in [0, 1). They are a function of the session's seed, the
  /// run, the node's path and the element, whatever the number of threads. No gradient passes.
  ///
  /// Constraints: (C3) `dtype` is floating point; (C4) `low`, `high` and their difference are finite.
  ///
  /// - Parameters:
  ///   - shape: of the result; dimensions may be named.
  ///   - low: the least.
  ///   - high: above the greatest.
  ///   - dtype: the element type.
  ///   - name: the node's; two draws of one path would not be told apart, so it is made unique.
  /// - Complexity: 1 FLOP an element, which is written once.
  public func randomUniform(
    _ shape: Shape, low: Double = 0, high: Double = 1, dtype: DType = .f32, name: String = "random_uniform",
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    draw(.uniform(low: low, high: high), shape, dtype, name, CallSite(file, line))
  }

  /// Numbers drawn from a normal distribution, anew in each run and each iteration of a loop.
  ///
  /// mean + deviation z with z standard normal by Box and Muller's method (1958). They are a function of the session's
  /// seed, the run, the node's path and the element, whatever the number of threads. No gradient passes.
  ///
  /// Constraints: (C3) `dtype` is floating point; (C4) `mean` and `deviation` are finite.
  ///
  /// - Parameters:
  ///   - shape: of the result; dimensions may be named.
  ///   - mean: the distribution's.
  ///   - deviation: the distribution's, the root of its variance.
  ///   - dtype: the element type.
  ///   - name: the node's; two draws of one path would not be told apart, so it is made unique.
  /// - Complexity: 4 FLOPs an element, which is written once.
  public func randomNormal(
    _ shape: Shape, mean: Double = 0, deviation: Double = 1, dtype: DType = .f32,
    name: String = "random_normal", file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    draw(.normal(mean: mean, deviation: deviation), shape, dtype, name, CallSite(file, line))
  }

  private func draw(
    _ distribution: RandomDraw.Distribution, _ shape: Shape, _ dtype: DType, _ name: String,
    _ location: CallSite
  ) -> Tensor {
    let graph = current
    let op = RandomDraw(distribution, shape: shape, dtype: dtype, key: graph.drawKey(name))
    return graph.append(op, [graph.randomState] + graph.loopIndices, name: name, location: location)[0]
  }
}
