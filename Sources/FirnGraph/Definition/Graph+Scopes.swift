/// Where what is added stands: scopes, their names, and the lines of the user's program.
extension Graph {
  /// What is wrong with a path of a node or variable that stands too deep; scopes are at fault themselves.
  package static func depthFault(of path: String, _ what: String) -> FirnError? {
    // Few have so many letters that they could.
    guard path.utf8.count > 2 * Nesting.limit, Path.depth(of: path) > Nesting.limit + 1 else { return nil }
    return FirnError(
      .invalidArgument, "\(what): `\(path.prefix(40))…` stands more than \(Nesting.limit) scopes deep",
      remedy: "use fewer scopes in one another")
  }

  /// The path of the current scope; empty at the top.
  public var scopePath: String { scopes[scopes.count - 1].path }

  /// The path in the outermost graph, where variables made here go.
  package var fullScopePath: String { parent.map { Path.joined($0.fullScopePath, scopePath) } ?? scopePath }

  /// The scope of nodes appended now; while a body inside is built, its scopes are around them too.
  var namingPath: String {
    root.openBodies.reduce(scopePath) { path, body in
      body.isInside(self) && !body.scopePath.isEmpty ? Path.joined(path, body.scopePath) : path
    }
  }

  package var defaults: ScopeDefaults { scopes[scopes.count - 1].defaults }

  /// Runs `body` inside the scope `name`; where there is one of this path already, inside that very one.
  ///
  /// TensorFlow's `variable_scope`. Variables keep their names: one that exists is an error, unless `reuse` shares it.
  /// Layers made inside are numbered as anywhere, `body/dense_1`. For a scope of its own each time see
  /// ``newScope(_:trainable:initializer:dtype:file:line:_:)``.
  ///
  /// - Parameters:
  ///   - trainable: false declares every variable inside frozen; a compilation can thaw by name.
  ///   - initializer: the default for variables inside.
  ///   - dtype: the default for variables inside.
  ///   - reuse: true shares the variables that the scope has and makes no others; neither the scope nor a variable asked
  ///     for inside may be missing. Layers made inside take the names they would have had the first time.
  public func scope<Result>(
    _ name: String, trainable: Bool? = nil, initializer: Initializer? = nil, dtype: DType? = nil,
    reuse: Bool? = nil,
    file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Result
  ) rethrows -> Result {
    let defaults = ScopeDefaults(initializer: initializer, dtype: dtype, trainable: trainable, reuse: reuse)
    return try current.enter(name, defaults, isNew: false, at: CallSite(file, line), body)
  }

  /// Runs `body` inside a scope that there has not been: `name`, or the next of `name_1`, `name_2` and so on.
  ///
  /// As layers are named. `freezing: "block"` names the first of them alone: `"block | block_1"` names two.
  ///
  /// - Parameters:
  ///   - trainable: false declares every variable inside frozen; a compilation can thaw by name.
  ///   - initializer: the default for variables inside.
  ///   - dtype: the default for variables inside.
  public func newScope<Result>(
    _ name: String, trainable: Bool? = nil, initializer: Initializer? = nil, dtype: DType? = nil,
    file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Result
  ) rethrows -> Result {
    let defaults = ScopeDefaults(initializer: initializer, dtype: dtype, trainable: trainable)
    return try current.enter(name, defaults, isNew: true, at: CallSite(file, line), body)
  }

  private func enter<Result>(
    _ name: String, _ inner: ScopeDefaults, isNew: Bool, at location: CallSite, _ body: () throws -> Result
  ) rethrows -> Result {
    if !Path.isValid(name) {
      report(
        FirnError(
          .invalidArgument, "scope name `\(name)` is not a path of letters, digits, `_`, `-` and `.`",
          remedy: "rename the scope"), location: location)
    }
    let defaults = self.defaults.overridden(by: inner)
    if Path.depth(of: fullScopePath) + Path.depth(of: name) > Nesting.limit {
      return try enterBeyond(name, defaults, at: location, body)
    }
    let path = path(ofScope: name, isNew: isNew, sharing: defaults.reuse == true)
    let fullPath = parent.map { Path.joined($0.fullScopePath, path) } ?? path
    if inner.reuse == true, Path.isValid(name), !root.hasScope(fullPath) {
      let question = NearestNames(to: fullPath, among: root.scopeNames).question
      report(
        FirnError(
          .unknownName, "there is no scope `\(fullPath)` whose variables could be shared",
          remedy: question ?? "leave `reuse: true` out where the scope is first entered"), location: location)
    }
    root.knownScopes.insert(fullPath)
    scopes.append(OpenScope(path: path, defaults: defaults))
    scopeLocations.append(location)
    defer {
      scopes.removeLast()
      scopeLocations.removeLast()
    }
    return try body()
  }

  /// Stays in the scope there is, as one in it would be too deep; scopes in that are silent.
  private func enterBeyond<Result>(
    _ name: String, _ defaults: ScopeDefaults, at location: CallSite, _ body: () throws -> Result
  ) rethrows -> Result {
    if !scopes[scopes.count - 1].isTooDeep {
      report(
        FirnError(
          .invalidArgument, "scope `\(name.prefix(40))` would stand more than \(Nesting.limit) scopes deep",
          remedy: "use fewer scopes in one another"), location: location)
    }
    scopes.append(OpenScope(path: scopePath, defaults: defaults, isTooDeep: true))
    defer { scopes.removeLast() }
    return try body()
  }

  /// The path of a scope entered now.
  private func path(ofScope name: String, isNew: Bool, sharing: Bool) -> String {
    let wanted = Path.joined(scopePath, name)
    if isNew, sharing { return scopes[scopes.count - 1].sharedNames.unique(wanted) }
    if isNew { return uniqueScope(wanted) }
    // Nothing that is numbered may come to be called so.
    _ = claims(name)
    return wanted
  }

  private func hasScope(_ path: String) -> Bool {
    knownScopes.contains(path) || variables.contains { $0.name != path && Path.isWithin($0.name, path) }
  }

  /// In the order of variables, then what has none.
  private var scopeNames: [String] {
    var seen: Set<String> = []
    return (variables.flatMap { Path.ancestors(of: $0.name).reversed() } + knownScopes.sorted()).filter {
      seen.insert($0).inserted
    }
  }

  /// A path no scope has yet: for a loop's body none of the graph around it either, since variables go there.
  private func uniqueScope(_ wanted: String) -> String {
    var path = uniqueName(wanted)
    while parent?.claims(path) == false { path = uniqueName(wanted) }
    return path
  }

  /// Reserves `path` below the current scope here and in the graphs around; false where it is taken.
  private func claims(_ path: String) -> Bool {
    reserveNames()
    let path = Path.joined(scopePath, path)
    return names.claim(path) && parent?.claims(path) != false
  }

  /// Runs `body` with `location` as the place of everything it adds, so that a layer's nodes point to its user's line.
  package func at<Result>(_ location: CallSite?, _ body: () throws -> Result) rethrows -> Result {
    guard let location else { return try body() }
    layerLocations.append(location)
    defer { layerLocations.removeLast() }
    return try body()
  }

  /// Where a file is being read, what of it; else the outermost layer's place, the call's own, the innermost scope's.
  package func place(of call: CallSite?) -> CallSite? {
    root.source ?? outermostLayerLocation ?? call ?? innermostScopeLocation
  }

  private var outermostLayerLocation: CallSite? {
    parent?.outermostLayerLocation ?? layerLocations.first
  }

  private var innermostScopeLocation: CallSite? {
    scopeLocations.last ?? parent?.innermostScopeLocation
  }

  /// Runs `body` with names below `path` taken as it stands and nodes marked as `phase`.
  package func section<Result>(_ path: String, phase: Node.Phase, _ body: () throws -> Result) rethrows
    -> Result
  {
    let previous = self.phase
    self.phase = phase
    scopes.append(OpenScope(path: path, defaults: defaults))
    defer {
      scopes.removeLast()
      self.phase = previous
    }
    return try body()
  }
}
