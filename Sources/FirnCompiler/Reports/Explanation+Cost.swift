public import FirnGraph
import FirnNotation

extension Explanation {
  /// What a step costs, in all and by scope, with this selection and with nothing frozen.
  ///
  /// Counted over the compiled graphs.
  ///
  /// - Throws: what compiling throws; without a loss there is nothing to cost.
  public func cost() throws(FirnError) -> CostReport {
    let own = try counted()
    let whole = try? counted { $0.kind == .parameter ? .whole : nil }
    let scopes = (whole ?? own).scopes
    let known = Set(scopes)
    return CostReport(
      total: own.total, unfrozen: whole?.total,
      scopes: (scopes + own.scopes.filter { !known.contains($0) }).map { path in
        .init(path: path, cost: own[path], unfrozen: whole.map { $0[path] })
      })
  }

  /// What freezing one more variable would save, and which kept results it alone holds.
  ///
  /// - Throws: `.unknownName`; `.noGradient` for the only trained variable.
  public func pin(_ name: String) throws(FirnError) -> Pin {
    let variable = try variable(name)
    let before = try counted()
    guard trainability.isTrained(name) else { return Pin(variable: name, saved: Cost(), kept: []) }
    let after = try counted { $0 == variable ? nil : trainability.trainedRegion($0.name) }
    let left = Set(after.kept.map(\.name))
    return Pin(
      variable: name, saved: before.total - after.total, kept: before.kept.filter { !left.contains($0.name) })
  }

  /// For each trained variable, what freezing it too would save; each is one compilation.
  public func pins() throws(FirnError) -> [Pin] {
    var result: [Pin] = []
    let trained = variables.filter { [.trained, .partly].contains(status(of: $0).0) }
    if trained.count < 2 { return [] }
    for variable in trained { result.append(try pin(variable.name)) }
    return result
  }

  /// The costs of what is asked about.
  func counted() throws(FirnError) -> CostCount { try counted(request) }

  /// The same, had the selections trained just this of each variable.
  private func counted(training region: (Variable) -> Region?) throws(FirnError) -> CostCount {
    func selected(_ variable: Variable, _ region: Region) -> SelectedVariable {
      SelectedVariable(variable: variable, region: region, matchedBy: [])
    }
    var request = request
    request.trainability = try Trainability(
      variables, freezing: variables.map { selected($0, .whole) },
      thawing: variables.compactMap { variable in region(variable).map { selected(variable, $0) } })
    return try counted(request)
  }

  private func counted(_ request: CompilationRequest) throws(FirnError) -> CostCount {
    guard request.training != nil else {
      throw FirnError(.invalidArgument, "without a loss nothing is trained", remedy: "name the loss")
    }
    return CostCount(try Compiler.compile(request).graph, of: request.graph)
  }
}
