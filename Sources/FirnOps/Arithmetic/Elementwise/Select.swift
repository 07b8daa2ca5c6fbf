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
package struct Select: InstructionOp {
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
  package var isQuick: Bool { true }

  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .inPlace([1, 2]) }

  package func instruction(on operands: [DType]) -> Instruction {
    switch operands[1] {
    case .f32, .i32: Instruction(.select)
    case .f64: scalar(Double.self)
    case .bool: scalar(UInt8.self)
    }
  }

  private func scalar<T: Sendable>(_ type: T.Type) -> Instruction {
    Instruction { condition, a, b, y, n in
      let condition = condition.assumingMemoryBound(to: UInt8.self)
      let (a, b) = (a.assumingMemoryBound(to: T.self), b.assumingMemoryBound(to: T.self))
      let y = y.assumingMemoryBound(to: T.self)
      for i in 0..<n { y[i] = condition[i] != 0 ? a[i] : b[i] }
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
