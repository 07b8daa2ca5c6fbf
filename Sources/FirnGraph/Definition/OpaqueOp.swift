/// An op that answers no, or not known, to every question of passes.
package protocol OpaqueOp: Op {}

extension OpaqueOp {
  package var isElementwise: Bool { false }
  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? { nil }
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .notKnown }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }
}
