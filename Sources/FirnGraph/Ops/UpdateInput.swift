/// Stands in one optimiser's update for what each copy of the update reads in its place: the value of a variable, or the
/// gradient by it.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | any, or left out | of the update as it is written, the gradient; without it the result is the value |
///
/// `apply-optimizer` writes it, `copy-updates` puts what it stands for in its place; no pass between looks through it,
/// since what stands behind it is another value in each copy.
package struct UpdateInput: OpaqueOp {
  /// Which of the updates that are copied.
  package var update: Int
  package var type: TensorType

  package init(_ update: Int, type: TensorType) { (self.update, self.type) = (update, type) }

  package static let mnemonics = ["update_input"]
  package var mnemonic: String { "update_input" }
  package var attributes: Attributes {
    ["update": .int(update), "dtype": .dtype(type.dtype), "shape": .shape(type.shape)]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    update = try attributes.int("update")
    type = TensorType(try attributes.dtype("dtype"), try attributes.shape("shape"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(operands.isEmpty ? 0 : 1)
    guard operands.allSatisfy({ $0 == type }) else {
      throw FirnError(
        .typeMismatch, "stands for \(type), not for \(operands[0])", remedy: "give it what it stands for")
    }
    return [type]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { context.wants.map { _ in nil } }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package func dependence(of operands: [Dependence], results: Int) -> [Dependence] { [.trainable] }
  package var canFail: Bool { false }
  package var isProvisional: Bool { true }
  package var aliasing: Aliasing { .view(of: 0) }
}
