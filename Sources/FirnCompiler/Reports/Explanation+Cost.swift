public import FirnGraph
import FirnNotation

extension Explanation {
  /// What a step costs, in all and by scope, with this selection and with nothing frozen.
  ///
  /// Counted over the compiled graphs.
  ///
  /// - Throws: what compiling throws; `.invalidArgument` without a loss, as there is nothing to cost.
  /// - Complexity: two compilations, one where what it costs was asked before.
  public func cost() throws(FirnError) -> CostReport {
    let own = try counted()
    let whole = try? counted { $0.kind == .parameter ? .whole : nil }
    let ownScopes = own.scopes(of: request.graph)
    let wholeScopes = whole?.scopes(of: request.graph)
    let costs = Dictionary(ownScopes.map { ($0.path, $0.cost) }, uniquingKeysWith: { first, _ in first })
    let unfrozen = Dictionary(
      (wholeScopes ?? []).map { ($0.path, $0.cost) }, uniquingKeysWith: { first, _ in first })
    let scopes = (wholeScopes ?? ownScopes).map(\.path)
    let known = Set(scopes)
    return CostReport(
      total: own.total(), unfrozen: whole?.total(),
      scopes: (scopes + ownScopes.map(\.path).filter { !known.contains($0) }).map { path in
        .init(
          path: path, cost: costs[path] ?? Cost(),
          unfrozen: whole == nil ? nil : unfrozen[path] ?? Cost())
      }, frozen: own.frozen, memory: own.memory)
  }

  /// What freezing one more variable would save, and which kept results it alone holds.
  ///
  /// - Throws: `.unknownName`; `.noGradient` for the only trained variable.
  /// - Complexity: two compilations, one where what it costs was asked before.
  public func pin(_ name: String) throws(FirnError) -> Pin {
    let variable = try variable(name)
    guard trainability.isTrained(name) else { return Pin(variable: name, saved: Cost(), kept: []) }
    return try pin(variable, of: try counted(), Self.compile)
  }

  /// For each trained variable, what freezing it too would save; each is one compilation, and one is of all together.
  public func pins() throws(FirnError) -> PinReport { PinReport(try pins(Self.compile)) }

  /// The same, with another compiler, for tests.
  package func pins(
    _ compile: (CompilationRequest) throws(FirnError) -> Compilation
  ) throws(FirnError) -> [Pin] {
    let trained = variables.filter { [.trained, .partly].contains(verdicts.verdict(on: $0).status) }
    if trained.count < 2 { return [] }
    let all = try counted(compile)
    var result: [Pin] = []
    for variable in trained {
      do throws(FirnError) {
        result.append(try pin(variable, of: all, compile))
      } catch {
        // The only one that an objective trains: without it there is no such program.
        guard error.code == .noGradient, objectives.count > 1 else { throw error }
      }
    }
    return result
  }

  private func pin(
    _ pinned: Variable, of all: CostCount, _ compile: (CompilationRequest) throws(FirnError) -> Compilation
  ) throws(FirnError) -> Pin {
    let less = try counted(
      training { $0 == pinned ? nil : trainability.trainedRegion($0.name) }, compile)
    let left = Set(less.kept.map(\.name))
    return Pin(
      variable: pinned.name, saved: all.total() - less.total(),
      kept: all.kept.filter { !left.contains($0.name) })
  }

  /// The cost of what is asked about.
  func total() throws(FirnError) -> Cost { try counted().total() }

  func counted() throws(FirnError) -> CostCount { try counted(Self.compile) }

  /// What is asked about, compiled once whoever asks.
  private func counted(
    _ compile: (CompilationRequest) throws(FirnError) -> Compilation
  ) throws(FirnError) -> CostCount {
    try count { () throws(FirnError) in try counted(request, compile) }
  }

  private func counted(_ region: (Variable) -> Region?) throws(FirnError) -> CostCount {
    try counted(training(region), Self.compile)
  }

  /// The request, had its selections trained just this of each variable.
  private func training(_ region: (Variable) -> Region?) throws(FirnError) -> CompilationRequest {
    func selected(_ variable: Variable, _ region: Region) -> SelectedVariable {
      SelectedVariable(variable: variable, region: region, matchedBy: [])
    }
    var request = request
    request.trainability = try Trainability(
      variables, freezing: variables.map { selected($0, .whole) },
      thawing: variables.compactMap { variable in region(variable).map { selected(variable, $0) } })
    return request
  }

  private func counted(
    _ request: CompilationRequest, _ compile: (CompilationRequest) throws(FirnError) -> Compilation
  ) throws(FirnError) -> CostCount {
    guard request.training != nil else {
      throw FirnError(.invalidArgument, "without a loss nothing is trained", remedy: "name the loss")
    }
    return CostCount(try compile(request))
  }

  private static func compile(_ request: CompilationRequest) throws(FirnError) -> Compilation {
    try Compiler.compile(request)
  }
}
