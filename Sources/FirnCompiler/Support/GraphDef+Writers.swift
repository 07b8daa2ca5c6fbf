package import FirnGraph

extension GraphDef {
  /// The variables that running the graph gives new values, each once.
  package var writtenVariables: [String] {
    var seen: Set<String> = []
    return nodes.indices.compactMap { position in
      guard nodes[position].traits.contains(.writes), case .writes(let name) = nodes[position].op.effect
      else {
        return nil
      }
      return seen.insert(name).inserted ? name : nil
    }
  }
}
