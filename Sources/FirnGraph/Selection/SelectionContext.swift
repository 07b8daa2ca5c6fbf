/// What a selection is resolved against: the graph, and what is known of its variables' values.
package struct SelectionContext: Sendable {
  package let graph: GraphDef
  /// Names of variables that were loaded from elsewhere.
  package let loaded: Set<String>
  /// Names of variables that a run has trained.
  package let trained: Set<String>

  package init(_ graph: GraphDef, loaded: Set<String> = [], trained: Set<String> = []) {
    self.graph = graph
    self.loaded = loaded
    self.trained = trained
  }
}

extension Selection {
  /// The variables it names in creation order, in whole or in part; optimiser slots are never named.
  ///
  /// - Throws: `.invalidSelection` where a part matches nothing, with the nearest paths.
  package func resolve(in context: SelectionContext) throws(FirnError) -> [SelectedVariable] {
    try resolve(in: context.graph.variables).map {
      SelectedVariable(variable: $0, region: .whole, matchedBy: [description])
    }
  }
}
