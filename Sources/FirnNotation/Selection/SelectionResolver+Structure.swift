import FirnGraph

/// What names variables by their place: in scopes, or in the graph.
extension SelectionResolver {
  mutating func indices(
    _ edge: Selection.Edge, _ count: Int, of scope: String
  ) throws(FirnError) -> [Int] {
    let inside = try inside(scope)
    var order: [Substring] = []
    var members: [Substring: [Int]] = [:]
    for index in inside {
      let child = Self.relative(paths[index], to: scope).prefix { $0 != "/" }
      if members[child] == nil { order.append(child) }
      members[child, default: []].append(index)
    }
    guard count <= order.count else {
      throw fault(
        "\(Self.named(scope)) has \(order.count) \(order.count == 1 ? "child" : "children"), fewer than \(count)",
        "they are " + order.prefix(12).joined(separator: ", "))
    }
    let chosen = edge == .first ? order.prefix(count) : order.suffix(count)
    return chosen.flatMap { members[$0] ?? [] }.sorted()
  }

  mutating func children(of scope: String) throws(FirnError) -> [Int] {
    let inside = try inside(scope)
    let found = inside.filter { !Self.relative(paths[$0], to: scope).utf8.contains(UInt8(ascii: "/")) }
    guard found.isEmpty else { return found }
    let scopes = Self.distinct(
      inside.lazy.map { [paths] in String(Self.relative(paths[$0], to: scope).prefix { $0 != "/" }) })
    throw fault(
      "\(Self.named(scope)) has no variables of its own",
      "the scopes in it are " + scopes.prefix(12).joined(separator: ", "))
  }

  /// What stands below a scope, without a variable of that very path.
  private mutating func inside(_ scope: String) throws(FirnError) -> [Int] {
    let found =
      scope.isEmpty ? Array(paths.indices) : (scopes()[scope] ?? []).filter { paths[$0] != scope }
    guard found.isEmpty else { return found }
    let names = scopeNames()
    let known = Set(paths)
    throw fault(
      known.contains(scope)
        ? "`\(scope)` is a variable, not a scope" : "\(Self.named(scope)) has no variables",
      NearestNames(to: scope, among: names.filter { !known.contains($0) }).question
        ?? "there are: " + names.prefix(6).joined(separator: ", "))
  }

  private static func relative(_ path: String, to scope: String) -> Substring {
    scope.isEmpty ? path[...] : path.dropFirst(scope.count + 1)
  }

  private static func named(_ scope: String) -> String {
    scope.isEmpty ? "the root" : "scope `\(scope.prefix(80))`"
  }

  mutating func reach(
    _ atom: Selection.Atom, _ name: String, _ walk: (GraphReach, Int) -> Set<String>
  ) throws(FirnError) -> [Int] {
    guard let graph else {
      throw fault("`\(atom.text)` is about the graph, which is not known here", "name paths or roles")
    }
    let reference = NodeReference(name)
    let positions =
      nodePositions
      ?? Dictionary(graph.nodes.indices.map { (graph.nodes[$0].name, $0) }) { first, _ in first }
    nodePositions = positions
    guard let reference, let node = positions[reference.path] else {
      throw fault(
        "there is no node `\(name.prefix(80))`",
        NearestNames(to: name, among: nodeCandidates(for: name, in: graph)).question
          ?? "name a node of the graph by its path")
    }
    let results = graph.nodes[node].types.count
    if let result = reference.result, result >= results {
      throw fault("`\(reference.path)` has no result \(result)", "its results are 0..<\(results)")
    }
    let names = walk(GraphReach(graph: graph), node)
    let found = variables.indices.filter { names.contains(variables[$0].name) }
    guard found.isEmpty else { return found }
    throw fault(
      "`\(atom.text)` matches nothing",
      "`\(reference.path)` has no variables on that side; ask for another node")
  }

  /// Nodes whose last component begins as the wanted one does come first: a typo there is rare.
  private func nodeCandidates(for name: String, in graph: GraphDef) -> [String] {
    let initial = Path.last(of: name).utf8.first
    var (alike, others): ([String], [String]) = ([], [])
    for node in graph.nodes {
      if Path.last(of: node.name).utf8.first == initial {
        if alike.count < Self.candidateLimit { alike.append(node.name) }
      } else if others.count < Self.candidateLimit {
        others.append(node.name)
      }
    }
    return Array((alike + others).prefix(Self.candidateLimit))
  }
}
