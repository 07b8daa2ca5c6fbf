/// Tells graphs apart, even after one of them is gone; whoever holds it keeps no graph alive.
package final class GraphIdentity: Sendable {
  /// - Throws: `.unknownName` where the reference is the handle of another graph's tensor, even if a tensor of this graph
  ///   has its name.
  package func require(_ reference: any TensorReference) throws(FirnError) {
    try require(reference.tensorName, of: reference.home)
  }

  /// - Parameter home: the graph that the name was taken from, where it was a handle.
  package func require(_ name: String, of home: GraphIdentity?) throws(FirnError) {
    guard let home, home !== self else { return }
    throw FirnError(
      .unknownName, "`\(name)` belongs to another graph than this session's",
      remedy: "use the tensor of the graph the session was made of, or name it by its path", place: name)
  }
}

extension TensorReference {
  /// The graph of a handle; nil for a name, which means whatever has it.
  package var home: GraphIdentity? {
    guard let tensor = self as? Tensor, !tensor.isPoisoned else { return nil }
    return tensor.graph.identity
  }
}
