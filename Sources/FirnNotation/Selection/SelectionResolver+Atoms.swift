import FirnGraph

/// What names variables by themselves: by path, role, fact and size.
extension SelectionResolver {
  /// Ascending positions among what can be named; never empty.
  mutating func indices(_ atom: Selection.Atom) throws(FirnError) -> [Int] {
    if case .path(let pattern) = atom { return try indices(pattern) }
    guard graph != nil || !variables.isEmpty || paths.isEmpty else {
      var remedy = "name paths here"
      if case .fact(let fact) = atom { remedy += ", one that is called so as `./\(fact.rawValue)`" }
      throw fault("`\(atom.text)` is about variables", remedy)
    }
    let found = try variableIndices(atom)
    return paths.count == variables.count ? found : found + places(around: found, atom)
  }

  private mutating func variableIndices(_ atom: Selection.Atom) throws(FirnError) -> [Int] {
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

  private mutating func indices(_ written: PathPattern) throws(FirnError) -> [Int] {
    let pattern = countsDotsAsSlashes ? PathPattern(written.text.replacing(".", with: "/")) : written
    let found: [Int]
    if pattern.hasWildcards {
      let split = components ?? paths.map(PathComponents.init)
      components = split
      let compiled = pattern.compiled()
      found = split.indices.filter { compiled.selects(split[$0]) }
    } else {
      found = members(of: pattern.text)
    }
    guard found.isEmpty else { return found }
    let names = scopeNames()
    let facts = Selection.Fact.allCases.map(\.rawValue)
    let nearest = NearestNames(to: pattern.text, among: names + (variables.isEmpty ? [] : facts))
    throw fault(
      "`\(written.text.prefix(80))` matches nothing",
      contents(at: pattern, among: names, unless: nearest.names) ?? nearest.question
        ?? (names.isEmpty
          ? "there is nothing to name" : "there are: " + names.prefix(6).joined(separator: ", ")))
  }

  /// What stands in the scope that a path leads into before it goes wrong, as with another library's `weight`.
  ///
  /// - Parameter nearest: names like the path's; one of them in that scope says more.
  private func contents(at pattern: PathPattern, among names: [String], unless nearest: [String]) -> String? {
    guard !pattern.hasWildcards, pattern.text.utf8.count <= 256 else { return nil }
    let known = Set(names)
    // Other libraries have dots.
    let scopes = [pattern.text, pattern.text.replacing(".", with: "/")].lazy.compactMap { path in
      Path.ancestors(of: path).first(where: known.contains)
    }
    guard let scope = scopes.first, !nearest.contains(where: { $0 != scope && Path.isWithin($0, scope) })
    else { return nil }
    let inside = names.filter { Path.parent(of: $0) == scope }
    guard !inside.isEmpty else { return nil }
    return "`\(scope)` holds " + inside.prefix(6).joined(separator: ", ") + (inside.count > 6 ? ", …" : "")
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
    let found = variables.indices.filter { holds(fact, of: variables[$0]) == true }
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

  /// The places of whose innermost scope with variables, of which `atom` may hold, it holds of all.
  private mutating func places(around found: [Int], _ atom: Selection.Atom) -> [Int] {
    let found = Set(found)
    let scopes = scopes()
    return (variables.count..<paths.count).filter { place in
      for scope in [paths[place]] + Path.ancestors(of: paths[place]) {
        let members = (scopes[scope] ?? []).filter { index in
          guard variables.indices.contains(index) else { return false }
          if case .fact(let fact) = atom { return holds(fact, of: variables[index]) != nil }
          return variables[index].kind == .parameter
        }
        if !members.isEmpty { return members.allSatisfy(found.contains) }
      }
      return false
    }
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
}
