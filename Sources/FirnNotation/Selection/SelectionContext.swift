package import FirnGraph

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
  /// - Throws: `.invalidSelection` where a part matches nothing, with the nearest paths; where a block does not exist
  ///   in a variable it is asked of; where blocks along different axes of one variable are combined.
  /// - Complexity: linear in nodes and variables for each part.
  package func resolve(in context: SelectionContext) throws(FirnError) -> [SelectedVariable] {
    var resolver = SelectionResolver(form, context: context)
    return try resolver.resolve().map {
      SelectedVariable(variable: resolver.variables[$0.index], region: $0.region, matchedBy: $0.matchedBy)
    }
  }

  /// The variables it names, in creation order, where only whole variables will do and no graph is at hand.
  ///
  /// - Throws: as `resolve(in:)` does; also where a part needs the graph or values, or names part of a variable.
  package func resolve(in variables: [Variable]) throws(FirnError) -> [Variable] {
    var resolver = SelectionResolver(form, variables: variables)
    var result: [Variable] = []
    for hit in try resolver.resolve() {
      let variable = resolver.variables[hit.index]
      guard hit.region == .whole else {
        throw FirnError(
          .invalidSelection,
          "selection `\(hit.matchedBy.joined(separator: ", "))` names part of `\(variable.name)`",
          remedy: "name whole variables here", place: variable.name)
      }
      result.append(variable)
    }
    return result
  }

  /// The names it selects, in their order, where there are no variables; a dot counts as a slash, in them and in it.
  package func resolve(dottedNames names: [String]) throws(FirnError) -> [String] {
    var resolver = SelectionResolver(form, dottedNames: names)
    return try resolver.resolve().map { names[$0.index] }
  }

  /// The places of a graph it names, in their order.
  ///
  /// It is resolved as `resolve(in:)` does, against the variables, and a part that matches nothing there and among the
  /// places is the same error. A path names places as it names variables. What else names variables names a place where
  /// it names all, of which it may, in the innermost scope around the place that has such; without blocks.
  package func resolve(places: [String], in context: SelectionContext) throws(FirnError) -> [String] {
    var resolver = SelectionResolver(form, places: places, context: context)
    let first = resolver.variables.count
    return try resolver.resolve().filter { $0.index >= first }.map { resolver.paths[$0.index] }
  }
}
