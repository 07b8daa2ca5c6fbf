import FirnGraph

/// Finds what a selection names, part by part in the order they are written.
///
/// Results are sparse and ascending, so that a long chain of `|` costs what its parts match.
struct SelectionResolver {
  struct Hit {
    var index: Int
    var region: Region
    var matchedBy: [String]
  }

  /// What can be named; empty where only paths are known.
  let variables: [Variable]
  private let form: Selection.Form
  private let paths: [String]
  private let graph: GraphDef?
  private let values: (loaded: Set<String>, trained: Set<String>)?
  /// The variables that facts are about where paths are not those of variables.
  private let surroundings: [Variable]

  private var components: [PathComponents]?
  private var below: [String: [Int]]?
  private var nodePositions: [String: Int]?
  /// How many atoms and blocks have been begun: the place of a fault.
  private var mark = 0

  init(_ form: Selection.Form, context: SelectionContext) {
    self.init(
      form, variables: context.graph.variables, graph: context.graph,
      values: (context.loaded, context.trained))
  }

  init(
    _ form: Selection.Form, variables: [Variable], graph: GraphDef? = nil,
    values: (loaded: Set<String>, trained: Set<String>)? = nil
  ) {
    self.form = form
    self.variables = variables.filter { $0.kind != .slot }
    paths = self.variables.map(\.name)
    self.graph = graph
    self.values = values
    surroundings = []
  }

  init(_ form: Selection.Form, paths: [String], context: SelectionContext) {
    self.form = form
    self.paths = paths
    variables = []
    graph = nil
    values = (context.loaded, context.trained)
    surroundings = context.graph.variables.filter { $0.kind != .slot }
  }

  mutating func resolve() throws(FirnError) -> [Hit] { try hits(form) }

  // MARK: Operators

  private mutating func hits(_ form: Selection.Form) throws(FirnError) -> [Hit] {
    switch form {
    case .atom(let atom):
      mark += 1
      let text = [atom.text]
      return try indices(atom).map { Hit(index: $0, region: .whole, matchedBy: text) }
    case .block(let inner, let block):
      let inner = try hits(inner)
      mark += 1
      return try restrict(inner, to: block, text: SelectionPrinter(form).text)
    case .not(let inner):
      return complement(of: try hits(inner), text: SelectionPrinter(form).text)
    case .all(let parts):
      var result: [Hit]?
      for part in parts {
        let next = try hits(part)
        result = try result.map { known throws(FirnError) in try intersection(known, next) } ?? next
      }
      return result ?? []
    case .any(let parts):
      var slots = [Hit?](repeating: nil, count: paths.count)
      for part in parts {
        for hit in try hits(part) {
          slots[hit.index] =
            try slots[hit.index].map { known throws(FirnError) in
              try combined(.union, known, hit) ?? known
            } ?? hit
        }
      }
      return slots.compactMap(\.self)
    case .invalid(let error): throw error
    }
  }

  private func intersection(_ a: [Hit], _ b: [Hit]) throws(FirnError) -> [Hit] {
    var result: [Hit] = []
    var (i, j) = (0, 0)
    while i < a.count, j < b.count {
      if a[i].index == b[j].index {
        if let both = try combined(.intersection, a[i], b[j]) { result.append(both) }
        i += 1
        j += 1
      } else if a[i].index < b[j].index {
        i += 1
      } else {
        j += 1
      }
    }
    return result
  }

  private func complement(of hits: [Hit], text: String) -> [Hit] {
    var result: [Hit] = []
    var next = 0
    for index in paths.indices {
      var region: Region? = .whole
      if next < hits.count, hits[next].index == index {
        region = Region.complement(of: hits[next].region, extents: extents(index))
        next += 1
      }
      if let region { result.append(Hit(index: index, region: region, matchedBy: [text])) }
    }
    return result
  }

  private func combined(_ operation: Region.Operation, _ a: Hit, _ b: Hit) throws(FirnError) -> Hit? {
    guard let region = Region.combine(operation, a.region, b.region, extents: extents(a.index)) else {
      let axes = [a.region.axis, b.region.axis].map { $0.map(String.init) ?? "?" }
      throw fault(
        "`\(paths[a.index])` is named by blocks along axis \(axes[0]) and along axis \(axes[1])",
        "combine blocks along one axis of a variable only")
    }
    guard let region else { return nil }
    return Hit(
      index: a.index, region: region,
      matchedBy: a.matchedBy + b.matchedBy.filter { !a.matchedBy.contains($0) })
  }

  private func extents(_ index: Int) -> [Int] {
    variables.indices.contains(index) ? variables[index].type.shape.extents ?? [] : []
  }

  // MARK: Blocks

  private func restrict(
    _ hits: [Hit], to block: Selection.BlockName, text: String
  ) throws(FirnError) -> [Hit] {
    guard !variables.isEmpty || hits.isEmpty else {
      throw fault("`\(block.text)` names part of a variable", "name whole paths here")
    }
    var result: [Hit] = []
    for hit in hits {
      let wanted = try self.block(block, of: variables[hit.index], among: hits)
      let extent = extents(hit.index)[wanted.axis]
      let region = Region.along(wanted.axis, [wanted.range], extent: extent)
      let part = region.map { Hit(index: hit.index, region: $0, matchedBy: [text]) }
      guard let part, var both = try combined(.intersection, hit, part) else { continue }
      both.matchedBy = [text]
      result.append(both)
    }
    guard !result.isEmpty else {
      throw fault(
        "`\(text)` matches nothing", "nothing is left of what the part before `\(block.text)` names")
    }
    return result
  }

  private func block(
    _ name: Selection.BlockName, of variable: Variable, among hits: [Hit]
  ) throws(FirnError) -> Block {
    switch name {
    case .range(let block):
      let extents = variable.type.shape.extents ?? []
      guard extents.indices.contains(block.axis) else {
        throw fault(
          "`\(variable.name)` is \(variable.type): it has no axis \(block.axis)",
          extents.isEmpty ? "a scalar has no blocks" : "its axes are 0..<\(extents.count)")
      }
      guard block.range.upperBound <= extents[block.axis] else {
        throw fault(
          "`\(variable.name)` is \(variable.type): axis \(block.axis) ends before \(block.range.upperBound)",
          "its positions are 0..<\(extents[block.axis])")
      }
      return block
    case .gate(let gate):
      guard let blocks = variable.blocks else {
        var scopes = hits.map { variables[$0.index] }.filter { $0.blocks != nil }.prefix(3).map(\.name)
        if scopes.isEmpty { scopes = variables.filter { $0.blocks != nil }.prefix(3).map(\.name) }
        throw fault(
          "`\(variable.name)` has no gates",
          scopes.isEmpty
            ? "no variable here has; name positions, as in [0..<3]"
            : "select only variables that have, such as " + scopes.joined(separator: ", "))
      }
      guard let block = blocks.block(named: gate, in: variable.type.shape) else {
        throw fault(
          "`\(variable.name)` has no gate `\(gate.prefix(80))`",
          "its gates are " + blocks.names.map(SelectionSyntax.name).joined(separator: ", "))
      }
      return block
    }
  }

  // MARK: Atoms

  /// Ascending positions among what can be named; never empty.
  private mutating func indices(_ atom: Selection.Atom) throws(FirnError) -> [Int] {
    if case .path(let pattern) = atom { return try indices(pattern) }
    if case .fact(let fact) = atom, !surroundings.isEmpty { return try indices(fact) }
    guard graph != nil || !variables.isEmpty || paths.isEmpty else {
      throw fault("`\(atom.text)` is about variables", "name paths here")
    }
    switch atom {
    case .path: return []
    case .role(let role): return try indices(role: role)
    case .fact(let fact): return try indices(fact)
    case .rank(let relation, let number):
      return try compared(atom, "ranks", variables.map(\.type.shape.rank)) {
        relation.holds(Double($0), number)
      }
    case .count(let relation, let number):
      return try compared(atom, "counts", variables.map(\.elementCount)) {
        relation.holds(Double($0), number)
      }
    case .dtype(let relation, let dtype):
      return try compared(atom, "element types", variables.map(\.type.dtype.rawValue)) {
        ($0 == dtype.rawValue) == (relation == .equal)
      }
    case .edge(let edge, let count, let scope): return try indices(edge, count, of: scope)
    case .children(let scope): return try children(of: scope)
    case .upstream(let node): return try reach(atom, node) { $0.upstream(of: $1) }
    case .downstream(let node): return try reach(atom, node) { $0.downstream(of: $1) }
    }
  }

  private mutating func indices(_ pattern: PathPattern) throws(FirnError) -> [Int] {
    let found: [Int]
    if pattern.hasWildcards {
      let split = components ?? paths.map(PathComponents.init)
      components = split
      let compiled = pattern.compiled()
      found = split.indices.filter { compiled.selects(split[$0]) }
    } else {
      found = scopes()[pattern.text] ?? []
    }
    guard found.isEmpty else { return found }
    let names = scopeNames()
    let facts = Selection.Fact.allCases.map(\.rawValue)
    throw fault(
      "`\(pattern.text.prefix(80))` matches nothing",
      NearestNames(to: pattern.text, among: names + (variables.isEmpty ? [] : facts)).question
        ?? (names.isEmpty
          ? "there is nothing to name" : "there are: " + names.prefix(6).joined(separator: ", ")))
  }

  private func indices(role: String) throws(FirnError) -> [Int] {
    let found = variables.indices.filter { variables[$0].role == role }
    guard found.isEmpty else { return found }
    let roles = Self.distinct(variables.lazy.map(\.role).filter { !$0.isEmpty })
    throw fault(
      "no variable has the role `\(role.prefix(80))`",
      roles.isEmpty
        ? "no variable has a role"
        : "the roles are " + roles.prefix(12).map(SelectionSyntax.name).joined(separator: ", "))
  }

  private func indices(_ fact: Selection.Fact) throws(FirnError) -> [Int] {
    if values == nil, fact == .loaded || fact == .uninitialised {
      throw fault("`\(fact.rawValue)` is about values, which are not known here", "name paths or roles")
    }
    let found =
      surroundings.isEmpty
      ? variables.indices.filter { holds(fact, of: variables[$0]) == true }
      : paths.indices.filter { holds(fact, around: paths[$0]) }
    guard found.isEmpty else { return found }
    switch fact {
    case .trainable: throw fault("no parameter is declared trainable", "leave `trainable` out")
    case .frozen: throw fault("no parameter is declared frozen", "leave `frozen` out")
    case .loaded: throw fault("no variable was loaded", "load values first, or leave `loaded` out")
    case .uninitialised:
      throw fault("every variable was loaded or trained", "leave `uninitialised` out")
    }
  }

  /// Nil where there is no such question.
  private func holds(_ fact: Selection.Fact, of variable: Variable) -> Bool? {
    switch fact {
    case .trainable: variable.kind == .parameter ? variable.isTrainable : nil
    case .frozen: variable.kind == .parameter ? !variable.isTrainable : nil
    case .loaded: values?.loaded.contains(variable.name)
    case .uninitialised:
      values.map { !$0.loaded.contains(variable.name) && !$0.trained.contains(variable.name) } == true
        && !variable.initializer.isGiven
    }
  }

  private func holds(_ fact: Selection.Fact, around path: String) -> Bool {
    for scope in [path] + Path.ancestors(of: path) {
      let answers = surroundings.lazy.filter { Path.isWithin($0.name, scope) }.compactMap {
        holds(fact, of: $0)
      }
      if let first = answers.first { return first && answers.allSatisfy(\.self) }
    }
    return false
  }

  private func compared<Quantity: Hashable & Comparable>(
    _ atom: Selection.Atom, _ what: String, _ quantities: [Quantity], _ holds: (Quantity) -> Bool
  ) throws(FirnError) -> [Int] {
    let found = quantities.indices.filter { holds(quantities[$0]) }
    guard found.isEmpty else { return found }
    let known = Set(quantities).sorted()
    let shown = known.count > 8 ? Array(known.prefix(4) + known.suffix(4)) : known
    throw fault(
      "no variable has `\(atom.text)`",
      known.isEmpty
        ? "there are no variables" : "the \(what) are " + shown.map { "\($0)" }.joined(separator: ", "))
  }

  // MARK: Structure

  private mutating func indices(
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

  private mutating func children(of scope: String) throws(FirnError) -> [Int] {
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

  /// For each variable's path and every scope, the variables of that path or below.
  private mutating func scopes() -> [String: [Int]] {
    if let below { return below }
    var result: [String: [Int]] = [:]
    for (index, path) in paths.enumerated() {
      var end = path.startIndex
      while let slash = path[end...].firstIndex(of: "/") {
        result[String(path[..<slash]), default: []].append(index)
        end = path.index(after: slash)
      }
      result[path, default: []].append(index)
    }
    below = result
    return result
  }

  /// Scopes before what is in them, in creation order; capped, since these are only for a message.
  private func scopeNames() -> [String] {
    Self.distinct(
      paths.lazy.prefix(Self.candidateLimit).flatMap { Path.ancestors(of: $0).reversed() + [$0] })
  }

  private static func distinct(_ names: some Sequence<String>) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  // MARK: Graph

  private mutating func reach(
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

  /// How many names are compared with a mistyped one.
  private static let candidateLimit = 4096

  // MARK: Faults

  private func fault(_ message: String, _ remedy: String) -> FirnError {
    let printer = SelectionPrinter(form)
    let position = printer.marks.indices.contains(mark - 1) ? printer.marks[mark - 1] : 0
    return SelectionSyntax.fault(
      message, in: Array(printer.text.unicodeScalars), at: position, remedy: remedy)
  }
}
