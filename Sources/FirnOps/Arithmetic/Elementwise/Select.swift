internal import CFirnKernels
public import FirnGraph

/// One of two values for each element.
///
/// y[i] = condition[i] ? a[i] : b[i]
///
/// | operand | type | |
/// | --- | --- | --- |
/// | condition | `bool` | the shape of a |
/// | a, b | any | the result has their type |
///
/// C1: all shapes are equal. C2: a and b have one element type. C3: the condition is `bool`.
///
/// The value not taken does not matter, NaN included; its gradient is 0.
///
/// - Complexity: one pass, 1 FLOP an element.
package struct Select: ElementwiseOp, KernelOp {
  package init() {}

  package static let mnemonics = ["select"]
  package var mnemonic: String { "select" }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {}

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(3)
    try require(
      operands[0].dtype == .bool, "C3", .typeMismatch, "condition is \(operands[0]), not bool",
      remedy: "compare it, or cast it to bool")
    try requireAlike(Array(operands[1...]))
    try require(
      operands[0].shape == operands[1].shape, "C1", .shapeMismatch,
      "condition is \(operands[0]), the values are \(operands[1])", remedy: "broadcast the condition")
    return [operands[1]]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    operand == 0 ? .notDifferentiable : .passes
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (condition, g) = (context.operands[0], context.cotangent)
    return [nil]
      + zip(context.wants.dropFirst(), [true, false]).map { wanted, isTaken in
        guard wanted else { return nil }
        return condition.applying(
          Select(), isTaken ? g : g.filled(0), isTaken ? g.filled(0) : g)
      }
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount
  }

  package var numerics: Numerics { Numerics(choices: [1, 2], carriesInfinity: true) }
  package var canFail: Bool { false }

  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .inPlace([1, 2]) }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let count = operands[0].elementCount
    switch operands[1].dtype {
    case .f32, .i32:
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let condition = call.operand(0, as: UInt8.self)
        let (a, b) = (call.operand(1, as: UInt32.self), call.operand(2, as: UInt32.self))
        let y = call.result(as: UInt32.self)
        call.inPieces(count) { start, n in
          firn_select_32(condition + start, a + start, b + start, y + start, n)
        }
      }
    case .f64: return scalar(count, Double.self)
    case .bool: return scalar(count, UInt8.self)
    }
  }

  private func scalar<T: Sendable>(_ count: Int, _: T.Type) -> Kernel {
    Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let condition = call.operand(0, as: UInt8.self)
      let (a, b) = (call.operand(1, as: T.self), call.operand(2, as: T.self))
      let y = call.result(as: T.self)
      call.inPieces(count) { start, n in
        for i in start..<start + n { y[i] = condition[i] != 0 ? a[i] : b[i] }
      }
    }
  }
}

/// `a` where the condition holds, else `b`, element by element with broadcasting of all three.
///
/// PyTorch's and TensorFlow's `where`. The value not taken does not matter, NaN included, and has the gradient 0.
///
/// Constraints: (C1) the shapes broadcast; (C2) a and b are of one element type; (C3) the condition is `bool`.
///
/// - Complexity: 1 FLOP and 13 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func select(
  where condition: Tensor, _ a: Tensor, otherwise b: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard !condition.isPoisoned, let (a, b) = aligned("select", a, b, location: location),
    let shape = broadcastShape("select", condition, a, condition.shape, a.shape, location: location)
  else { return .poisoned(in: condition.graph) }
  return condition.repeated(to: shape, location: location).applying(
    Select(), a.repeated(to: shape, location: location), b.repeated(to: shape, location: location),
    location: location)
}
