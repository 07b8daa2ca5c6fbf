package import FirnGraph

extension GraphDef {
  /// The variables that running the graph gives new values.
  package var writtenVariables: [String] {
    nodes.compactMap { node in if case .writes(let name) = node.op.effect { name } else { nil } }
  }
}
