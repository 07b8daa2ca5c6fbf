package import FirnGraph

extension GraphDef {
  /// The variables that running the graph gives new values.
  package var writtenVariables: [String] {
    nodes.indices.compactMap { position in
      guard nodes[position].traits.contains(.writes), case .writes(let name) = nodes[position].op.effect
      else {
        return nil
      }
      return name
    }
  }
}
