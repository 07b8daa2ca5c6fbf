package import FirnGraph

/// Stands for the mean of a value over the members of a world, by their weights, until `exchange-gradients` says how
/// it is made.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64` | the result is as x |
/// | weight | as x, scalar | |
///
/// C1: x is floating point. C2: the weight is a scalar of x's element type.
package struct ExchangedMean: OpaqueOp {
  package init() {}

  package static let mnemonics = ["exchanged_mean"]
  package var mnemonic: String { "exchanged_mean" }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) { self.init() }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    try operands[0].requireFloatingPoint("operand", "C1")
    try require(
      operands[1] == TensorType(operands[0].dtype, .scalar), "C2", .typeMismatch,
      "the weight of \(operands[0]) is \(operands[1])", remedy: "give one number of the same element type")
    return [operands[0]]
  }

  /// What is exchanged is a gradient or a loss that nobody differentiates further.
  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil, nil] }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }
  package var isProvisional: Bool { true }
  package var aliasing: Aliasing { .none }

  package func dependence(of operands: [Dependence], results: Int) -> [Dependence] {
    Array(repeating: operands.reduce(.data) { $0.union($1) }, count: results)
  }
}

extension Tensor {
  /// The mean over the members of a world, by a weight that is a scalar of any number type.
  package func exchangedMean(weight: Tensor) -> Tensor {
    applying(ExchangedMean(), weight.cast(to: dtype))
  }
}
