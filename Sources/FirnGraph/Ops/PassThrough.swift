/// Hands its operand on: with the gradient (`identity`) or without (`stop_gradient`).
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | any | the result is x itself |
package struct PassThrough: Op {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case identity
    case stopGradient = "stop_gradient"
  }

  package var kind: Kind
  /// Whether it stands in a function's formula, as on the greatest element that a softmax subtracts.
  ///
  /// Nobody wrote it, so it is nobody's mistake where it has nothing to stop.
  package var isOfFormula: Bool

  package init(_ kind: Kind, isOfFormula: Bool = false) {
    (self.kind, self.isOfFormula) = (kind, isOfFormula)
  }

  package static let mnemonics = Kind.allCases.map(\.rawValue)
  package var mnemonic: String { kind.rawValue }
  package var attributes: Attributes { isOfFormula ? ["of_formula": .bool(true)] : [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    guard let kind = Kind(rawValue: mnemonic) else {
      throw FirnError(.parse, "`\(mnemonic)` is no pass-through op")
    }
    self.kind = kind
    isOfFormula = attributes["of_formula"] == nil ? false : try attributes.bool("of_formula")
    guard !isOfFormula || kind == .stopGradient else {
      throw FirnError(.parse, "`of_formula` is said of stops, and not of `\(mnemonic)`")
    }
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    return operands
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    kind == .stopGradient ? .stopped : .passes
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] { context.adjoints({ context.cotangent }) }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }

  package var isElementwise: Bool { true }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    RowRule(self, allAlong: axis, in: node)
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? {
    StepRule(.node(self, [.leaf(0)]))
  }

  package func simplified(in node: NodeView) -> Expression<Value>? {
    .leaf(node.operands[0].value)
  }

  package var aliasing: Aliasing { .view(of: 0) }
}
