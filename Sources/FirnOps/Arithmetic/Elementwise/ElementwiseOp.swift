package import FirnGraph

/// An op that makes each element of its results of the elements at the same place of operands of the same shape.
///
/// What follows from that it answers here; what it simplifies to remains to be said. A function of one or two tensors
/// is better a row of the table of `Unary` or `Binary`.
package protocol ElementwiseOp: Op {}

extension ElementwiseOp {
  package var isElementwise: Bool { true }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    RowRule(self, allAlong: axis, in: node)
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }

  /// What does not vary is repeated for each step.
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? {
    guard node.results.count == 1 else { return nil }
    let repeated = Broadcast(node.shape.stacked(length))
    return StepRule(
      .node(self, varying.enumerated().map { $1 ? .leaf($0) : .node(repeated, [.leaf($0)]) }))
  }
}

extension Shape {
  /// With the steps of a loop as a new first axis.
  func stacked(_ length: Dim) -> Shape { Shape([length] + dimensions) }
}
