/// Gives a variable a new value when the run ends; every read in the run sees the old one.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | value | the variable's | what the next run reads |
///
/// The result is the value, so that it can be fetched.
package struct AssignVariable: Op {
  package var variable: String

  package init(_ variable: String) { self.variable = variable }

  package static let mnemonics = ["assign"]
  package var mnemonic: String { "assign" }
  package var attributes: Attributes { ["variable": .string(variable)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    variable = try attributes.string("variable")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    return operands
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }
  package func gradient(_ context: GradientContext) -> [Tensor?] { context.adjoints({ context.cotangent }) }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dimension { 0 }
  package var aliasing: Aliasing { .view(of: 0) }
  package var effect: Effect { .writes(variable) }
}
