public import FirnGraph

/// One value in training mode, another in inference; `resolve-modes` leaves one of them.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | training | any | the result in training mode |
/// | inference | the same | the result in inference, and so in frozen scopes |
///
/// C1: both have one type.
package struct ByMode: ModalOp, OpaqueOp {
  package init() {}

  package static let mnemonics = ["by_mode"]
  package var mnemonic: String { "by_mode" }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) { self.init() }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    try require(
      operands[0] == operands[1], "C1", .shapeMismatch,
      "the value in training is \(operands[0]), in inference \(operands[1])", remedy: "give both one type")
    return [operands[0]]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  /// Asked only before modes are resolved; then the adjoints, too, are one thing in one mode and another in the other.
  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (cotangent, zero) = (context.cotangent, context.cotangent.filled(0))
    return context.adjoints(
      { byMode(training: cotangent, inference: zero) }, { byMode(training: zero, inference: cotangent) })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }
  package var aliasing: Aliasing { .none }

  package func results(_ operands: [Tensor], inInference: Bool) -> [Tensor]? {
    [operands[inInference ? 1 : 0]]
  }
}

/// One value where a program runs in training mode, another in inference and in frozen scopes (rule 4).
///
/// The scope it is called in decides; `keepingTrainingMode:` keeps a frozen one in training mode, and
/// `keepingInferenceMode:` one that learns in inference mode. Nothing is computed of the value that is not used, and no
/// gradient reaches it.
///
/// Constraints: (C1) both have one shape and element type.
///
/// - Parameters:
///   - training: the value in training mode.
///   - inference: the value in inference, of the same type.
/// - Complexity: nothing is done.
public func byMode(
  training: Tensor, inference: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  training.applying(ByMode(), inference, location: CallSite(file, line))
}
