/// An op of which passes know nothing but that it makes its results: each of their questions has the answer no or not known.
package protocol OpaqueOp: Op {}

extension OpaqueOp {
  package var isElementwise: Bool { false }
  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? { nil }
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .notKnown }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }
}
