internal import CFirnKernels
public import FirnGraph

/// The mean of the squared differences of all elements.
///
/// y = Σ_i (a[i] - b[i])² / n
///
/// | operand | type | |
/// | --- | --- | --- |
/// | a | `f32`, `f64` | any shape of n elements |
/// | b | as a | the result is a scalar of their element type |
///
/// C1: the shapes are equal. C2: the element types are equal. C3: they are floating point.
///
/// Of no elements it is NaN.
///
/// - Complexity: one pass, 3 FLOPs an element.
package struct MeanSquaredError: KernelOp, OpaqueOp {
  package init() {}

  package static let mnemonics = ["mean_squared_error"]
  package var mnemonic: String { "mean_squared_error" }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {}

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    try requireAlike(operands)
    try operands[0].requireFloatingPoint("operand", "C3")
    return [TensorType(operands[0].dtype, .scalar)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (g, a, b) = (context.cotangent, context.operands[0], context.operands[1])
    let scale = g * 2 / g.graph.extent(a.shape.elementCount, dtype: a.dtype)
    return context.adjoints({ (a - b) * scale }, { (b - a) * scale })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount * 3
  }

  package var canFail: Bool { false }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let count = operands[0].elementCount
    if operands[0].dtype == .f32 {
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let (a, b) = (call.operand(0, as: Float.self), call.operand(1, as: Float.self))
        call.result(as: Float.self)[0] = firn_squared_difference_sum_f32(a, b, count) / Float(count)
      }
    }
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (a, b) = (call.operand(0, as: Double.self), call.operand(1, as: Double.self))
      var sum = 0.0
      for i in 0..<count { sum += (a[i] - b[i]) * (a[i] - b[i]) }
      call.result(as: Double.self)[0] = sum / Double(count)
    }
  }
}

/// The mean of the squared differences of all elements, a scalar: Σ (a - b)² / n.
///
/// PyTorch's `mse_loss`, Keras's `MeanSquaredError`. Operands broadcast, which n counts; of no elements it is NaN.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point.
///
/// - Complexity: 3 FLOPs and 8 bytes read an element in `f32`; what is broadcast is written out first.
public func meanSquaredError(
  _ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard let (a, b) = aligned("mean_squared_error", a, b, location: location) else {
    return .poisoned(in: a.graph)
  }
  return a.applying(MeanSquaredError(), b, location: location)
}
