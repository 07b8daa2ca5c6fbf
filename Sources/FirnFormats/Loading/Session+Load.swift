public import FirnGraph
public import FirnNotation
public import FirnRuntime

/// Weights of files, into variables.
extension Session {
  /// Gives every variable its value from a file; on any difference nothing is loaded (rule 12).
  ///
  /// Arrays of a mapped file are read where they are, so that loading costs nothing and a frozen variable never has a
  /// copy. Floats of another width are converted; where that rounds `f64` to `f32`, a warning of the session names the
  /// variables. Where a recurrent layer has one bias for two of the file, a warning says that it trains otherwise.
  ///
  /// - Parameters:
  ///   - scope: the variables to load; all by default. The map's names are relative to it.
  ///   - only: what of them to load, variables or blocks; the rest of the file is left out. A block, `table[0..<5]` or
  ///     `head/kernel[axis 1: 0..<10]`, is read from the same places of the file's tensor, which may be longer or
  ///     shorter along that axis; or, where it is just as long as what is wanted, from all of it.
  ///   - mapping: what the file's names are here; the same by default.
  /// - Throws: one error that lists everything missing, unexpected, or of another shape or type, with the code of the
  ///   first: `.unknownName`, `.shapeMismatch`, `.typeMismatch` or `.invalidArgument`; and as the other `load`.
  public func load(
    _ weights: Weights, into scope: String? = nil, only: Selection? = nil, mapping: NameMap = .identity
  ) throws(FirnError) {
    _ = try load(weights, into: scope, only: only, mapping: mapping, strict: true)
  }

  /// Gives variables their values from a file, as far as it has them if that is asked for, and says what matched.
  ///
  /// A load that is not strict leaves variables it has no value for as they are. It must not pass unseen: the report
  /// cannot be discarded without saying so, an incomplete one is also a warning of the session, a file of which nothing
  /// matches is an error, and compiling warns of frozen variables that stayed random.
  ///
  /// - Parameter strict: whether any difference is an error; PyTorch's `load_state_dict` has the same switch.
  /// - Returns: what became of each name; prints as a table.
  /// - Throws: where `strict`, on any difference; in any case `.duplicateName` where two tensors are for one variable,
  ///   `.invalidSelection` or `.invalidArgument` where a selection or pattern is faulty, `.unknownName` where nothing
  ///   matches, `.parse` where the file cannot be read. Then no variable has changed.
  public func load(
    _ weights: Weights, into scope: String? = nil, only: Selection? = nil, mapping: NameMap = .identity,
    strict: Bool
  ) throws(FirnError) -> LoadReport {
    var plan = try LoadPlan(
      weights, targets: targets(in: scope, only: only), isWhole: only == nil, scope: scope, mapping: mapping)
    if strict { try plan.requireComplete() }
    let changes = try plan.read(isStrict: strict)
    try plan.requireAny()
    try apply(changes)
    let report = plan.report
    if !report.isComplete { onWarning("loading \(weights.source): \(report.summary)") }
    for rule in plan.idleRules { onWarning("loading \(weights.source): the map's rule \(rule)") }
    if !plan.joined.isEmpty {
      onWarning(
        "loading \(weights.source): two biases of the file are one, their sum, in "
          + plan.joined.map { "`\($0)`" }.joined(separator: ", ")
          + ": outputs are equal, training differs, as both trained there; "
          + "make layer and `RecurrentNetwork` with `biases: .separate` to keep both")
    }
    if !plan.rounded.isEmpty {
      onWarning(
        "loading \(weights.source): f64 rounded to f32: "
          + plan.rounded.map { "`\($0)`" }.joined(separator: ", "))
    }
    return report
  }

  /// What a strict load of all variables but some would change.
  package func changes(
    loading weights: Weights, leavingOut names: Set<String>
  ) throws(FirnError) -> [VariableChange] {
    let targets = try targets(in: nil, only: nil).filter { !names.contains($0.variable.name) }
    var plan = try LoadPlan(weights, targets: targets, isWhole: true, scope: nil, mapping: .identity)
    try plan.requireComplete()
    return try plan.read(isStrict: true)
  }

  private func targets(in scope: String?, only: Selection?) throws(FirnError) -> [LoadPlan.Target] {
    let selected = try only.map { selection throws(FirnError) in
      let selected = try self.selected(selection)
      return Dictionary(selected.map { ($0.variable.name, $0.region) }, uniquingKeysWith: { $1 })
    }
    return try LoadPlan.Target.all(of: variables, in: scope) { variable in
      selected.map { $0[variable.name] } ?? .whole
    }
  }
}
