internal import CFirnKernels
public import FirnGraph

/// Numbers drawn from a normal distribution.
///
/// y[i] = mean + deviation z, z standard normal by Box and Muller's method
///
/// Operands and constraints are those of random_uniform.
///
/// - Complexity: one pass, 4 FLOPs an element.
package struct RandomNormal: KernelOp {
  package var shape: Shape
  package var dtype: DType
  /// The path of the op where it was made; its hash is the stream's name.
  package var key: String
  package var mean: Double
  package var deviation: Double

  package init(shape: Shape, dtype: DType = .f32, key: String, mean: Double = 0, deviation: Double = 1) {
    self.shape = shape
    self.dtype = dtype
    self.key = key
    self.mean = mean
    self.deviation = deviation
  }

  package static let mnemonics = ["random_normal"]
  package var mnemonic: String { "random_normal" }
  package var attributes: Attributes {
    [
      "shape": .shape(shape), "dtype": .dtype(dtype), "key": .string(key), "mean": .double(mean),
      "deviation": .double(deviation),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(
      shape: try attributes.shape("shape"), dtype: try attributes.dtype("dtype"),
      key: try attributes.string("key"), mean: try attributes.double("mean"),
      deviation: try attributes.double("deviation"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try requireRandomState(operands, from: 0)
    try TensorType(dtype, shape).requireFloatingPoint("result", "C3")
    return [TensorType(dtype, shape)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { context.operands.map { _ in nil } }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dimension {
    shape.elementCount * 4
  }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (count, inputs, name) = (results[0].elementCount, operands.count, Philox.hash(key))
    let (mean, deviation, isFast) = (mean, deviation, results[0].dtype == .f32)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let stream = RandomStream(call, name: name, first: 0, count: inputs)
      let (k, c) = (stream.key, stream.counter)
      if isFast {
        let y = call.result(as: Float.self)
        call.inPieces(count) { start, n in
          firn_random_normal_f32(
            k.0, k.1, c.0, c.1, c.2, start, Float(mean), Float(deviation), y + start, n)
        }
      } else {
        let y = call.result(as: Double.self)
        call.inPieces(count) { start, n in
          for i in start..<start + n { y[i] = mean + deviation * stream.normal(i) }
        }
      }
    }
  }
}

extension Graph {
  /// Numbers drawn from a normal distribution, anew in each run and each iteration of a loop.
  ///
  /// - Parameter name: the node's; two draws of one path would not be told apart, so it is made unique.
  public func randomNormal(
    _ shape: Shape, mean: Double = 0, deviation: Double = 1, dtype: DType = .f32,
    name: String = "random_normal", file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let graph = current
    let op = RandomNormal(
      shape: shape, dtype: dtype, key: graph.drawKey(name), mean: mean, deviation: deviation)
    return graph.append(
      op, [graph.randomState] + graph.loopIndices, name: name, location: SourceLocation(file, line))[0]
  }
}
