/// The types round one node: what an op's answers about shapes may depend on.
package struct NodeTypes: Sendable {
  package let operands: [TensorType]
  package let results: [TensorType]

  package init(operands: [TensorType], results: [TensorType]) {
    self.operands = operands
    self.results = results
  }

  /// The shape of the only, or the first, result.
  package var shape: Shape { results[0].shape }

  /// A range of an axis of an operand; the operand itself where that is all of it.
  package func part(of operand: Int, _ axis: Int, _ range: Range<Int>) -> OperandPart {
    operands[operand].shape[axis] == Dim(range.count)
      ? OperandPart(operand) : OperandPart(operand, Block(axis: axis, range: range))
  }
}

extension GraphDef {
  /// The types round the node at `position`.
  package func types(round position: Int) -> NodeTypes {
    NodeTypes(operands: nodes[position].inputs.map { type(of: $0) }, results: nodes[position].types)
  }
}
