package import FirnGraph

/// Scopes named by paths, in which `*` stands for any part of a component and `**` for any number of components.
package struct ScopePatterns {
  private let patterns: [String]

  package init(_ patterns: [String]) { self.patterns = patterns }

  /// The scopes of a graph that are named, in its order; of one in another the outer one alone.
  ///
  /// - Throws: `.invalidSelection` for a pattern that names no scope, with the nearest.
  /// - Complexity: the number of patterns times that of scopes.
  package func resolve(in graph: GraphDef) throws(FirnError) -> [String] {
    if patterns.isEmpty { return [] }
    var scopes: [String] = []
    var known: Set<String> = []
    for node in graph.nodes where node.phase == .forward && known.insert(node.scope).inserted {
      for path in Path.ancestors(of: node.scope).reversed() where known.insert(path).inserted {
        scopes.append(path)
      }
      if !node.scope.isEmpty { scopes.append(node.scope) }
    }
    let compiled = patterns.map { PathPattern($0).compiled() }
    var isUsed = patterns.map { _ in false }
    var named: Set<String> = []
    for scope in scopes {
      let components = PathComponents(scope)
      for number in compiled.indices where compiled[number].names(components) {
        isUsed[number] = true
        named.insert(scope)
      }
    }
    if let idle = isUsed.firstIndex(of: false) {
      throw FirnError(
        .invalidSelection, "`\(patterns[idle])` names no scope to compute again",
        remedy: NearestNames(to: patterns[idle], among: scopes).question
          ?? "scopes are named by `graph.scope` and by layers; `*` stands for any part of one component")
    }
    return scopes.filter { scope in
      named.contains(scope) && !Path.ancestors(of: scope).contains(where: named.contains)
    }
  }
}
