internal import CFirnKernels
public import FirnGraph

/// Numbers drawn evenly from a range.
///
/// y[i] = low + (high - low) u, u one of the multiples of 2⁻²⁴ in [0, 1)
///
/// | operand | type | |
/// | --- | --- | --- |
/// | state | `i32[4]` | seed low and high, run low and high, as bits |
/// | indices | `i32[]`, any number | positions of enclosing loops, outermost first |
///
/// C1: the state is `i32[4]`. C2: indices are `i32[]`. C3: `dtype` is floating point.
///
/// The numbers are a function of seed, `key`, run and indices alone. In `f64` they are drawn from the same bits.
///
/// - Complexity: one pass, 1 FLOP an element.
package struct RandomUniform: KernelOp {
  package var shape: Shape
  package var dtype: DType
  /// The path of the op where it was made; its hash is the stream's name.
  package var key: String
  package var low: Double
  package var high: Double

  package init(shape: Shape, dtype: DType = .f32, key: String, low: Double = 0, high: Double = 1) {
    self.shape = shape
    self.dtype = dtype
    self.key = key
    self.low = low
    self.high = high
  }

  package static let mnemonics = ["random_uniform"]
  package var mnemonic: String { "random_uniform" }
  package var attributes: Attributes {
    [
      "shape": .shape(shape), "dtype": .dtype(dtype), "key": .string(key), "low": .double(low),
      "high": .double(high),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(
      shape: try attributes.shape("shape"), dtype: try attributes.dtype("dtype"),
      key: try attributes.string("key"), low: try attributes.double("low"),
      high: try attributes.double("high"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try requireRandomState(operands, from: 0)
    try TensorType(dtype, shape).requireFloatingPoint("result", "C3")
    return [TensorType(dtype, shape)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { context.operands.map { _ in nil } }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dimension {
    shape.elementCount
  }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (count, inputs, name) = (results[0].elementCount, operands.count, Philox.hash(key))
    let (low, high, isFast) = (low, high, results[0].dtype == .f32)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let stream = RandomStream(call, name: name, first: 0, count: inputs)
      let (k, c) = (stream.key, stream.counter)
      if isFast {
        let y = call.result(as: Float.self)
        call.inPieces(count) { start, n in
          firn_random_uniform_f32(k.0, k.1, c.0, c.1, c.2, start, Float(low), Float(high), y + start, n)
        }
      } else {
        let y = call.result(as: Double.self)
        call.inPieces(count) { start, n in
          for i in start..<start + n { y[i] = low + (high - low) * stream.uniform(i) }
        }
      }
    }
  }
}

extension Graph {
  /// Numbers drawn evenly from [low, high), anew in each run and each iteration of a loop.
  ///
  /// - Parameter name: the node's; two draws of one path would not be told apart, so it is made unique.
  public func randomUniform(
    _ shape: Shape, low: Double = 0, high: Double = 1, dtype: DType = .f32, name: String = "random_uniform",
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let graph = current
    let op = RandomUniform(shape: shape, dtype: dtype, key: graph.drawKey(name), low: low, high: high)
    return graph.append(
      op, [graph.randomState] + graph.loopIndices, name: name, location: SourceLocation(file, line))[0]
  }
}
