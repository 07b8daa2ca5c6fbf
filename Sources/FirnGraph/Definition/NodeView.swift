/// A value of a graph and, behind it, what it is made of: what an op sees when it is asked what it simplifies to.
package struct ValueView {
  private let nodes: [Node]
  package let value: Value

  package init(_ value: Value, in nodes: [Node]) {
    self.nodes = nodes
    self.value = value
  }

  package var op: any Op { nodes[value.node].op }
  package var type: TensorType { nodes[value.node].types[value.result] }
  /// What the node that makes it reads.
  package var operands: ValueViews { ValueViews(nodes[value.node].inputs, in: nodes) }

  /// The number that every element is, where that is known: of a constant, however it is rearranged.
  package var uniform: Double? {
    var source = value.node
    while nodes[source].traits.contains(.rearranging) { source = nodes[source].inputs[0].node }
    guard nodes[source].traits.contains(.holds), case .holds(let array) = nodes[source].op.effect else {
      return nil
    }
    return array.scalar
  }
}

/// The operands of a node, each with what it is made of.
package struct ValueViews: RandomAccessCollection {
  private let values: [Value]
  private let nodes: [Node]

  init(_ values: [Value], in nodes: [Node]) {
    self.values = values
    self.nodes = nodes
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { values.count }
  package subscript(position: Int) -> ValueView { ValueView(values[position], in: nodes) }
}

/// An op each element of whose result is some element of its first operand, and which constants are followed through:
/// reshapes and broadcasts.
package protocol RearrangingOp: Op {}

extension RearrangingOp {
  package var isRearranging: Bool { true }
}

/// A node as it is asked what it simplifies to.
package struct NodeView {
  private let node: Node
  private let nodes: [Node]

  /// - Parameter nodes: those its inputs are values of.
  package init(_ node: Node, in nodes: [Node]) {
    self.node = node
    self.nodes = nodes
  }

  package var operands: ValueViews { ValueViews(node.inputs, in: nodes) }

  /// The types of its results.
  package var results: [TensorType] { node.types }

  /// Whether the only result has the type of the first operand.
  package var keepsType: Bool {
    guard let first = node.inputs.first, node.types.count == 1 else { return false }
    return nodes[first.node].types[first.result] == node.types[0]
  }
}
