/// One result of one node, by position in the graph's node list.
package struct Value: Hashable, Sendable, Comparable {
  package var node: Int
  package var result: Int

  package init(_ node: Int, _ result: Int = 0) {
    self.node = node
    self.result = result
  }

  package static func < (a: Value, b: Value) -> Bool { (a.node, a.result) < (b.node, b.result) }
}
