/// Gives a variable a new value when the run ends; every read in the run sees the old one.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | value | the variable's | what the next run reads |
///
/// | beside | any, or left out | the tensor whose computing in training mode brings the assignment along |
///
/// The result is the value, so that it can be fetched. Without `beside`, an assignment happens in programs that fetch
/// it. With it, it belongs to training: it happens in the programs that compute `beside` in training mode, unless its
/// variable is held.
package struct AssignVariable: OpaqueOp {
  package var variable: String

  package init(_ variable: String) { self.variable = variable }

  package static let mnemonics = ["assign"]
  package var mnemonic: String { "assign" }
  package var attributes: Attributes { ["variable": .string(variable)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    variable = try attributes.string("variable")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(operands.count == 2 ? 2 : 1)
    return [operands[0]]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    operand == 0 ? .passes : .notDifferentiable
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.wants.indices.map { $0 == 0 && context.wants[0] ? context.cotangent : nil }
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }
  package var aliasing: Aliasing { .view(of: 0) }
  package var effect: Effect { .writes(variable) }
}

extension Node {
  /// The variable it assigns beside another value in training mode, and that value.
  package var trainingAssignment: (variable: String, beside: Value)? {
    guard traits.contains(.writes), inputs.count == 2, type(of: op) == AssignVariable.self,
      let assign = op as? AssignVariable
    else {
      return nil
    }
    return (assign.variable, inputs[1])
  }
}
