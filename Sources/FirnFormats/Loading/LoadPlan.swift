import FirnGraph
import FirnRuntime

/// What a load would do: found out whole before a variable changes.
struct LoadPlan {
  struct Target {
    let variable: Variable
    /// What of it is wanted; nil for nothing.
    let region: Region?

    /// Those of a scope, or all, without optimiser slots.
    ///
    /// - Throws: `.unknownName` where the scope has no variables.
    static func all(
      of variables: [Variable], in scope: String?, region: (Variable) -> Region? = { _ in .whole }
    ) throws(FirnError) -> [Target] {
      let path = scope ?? ""
      let inScope = variables.filter {
        $0.kind != .slot && $0.name != path && Path.isWithin($0.name, path)
      }
      guard !inScope.isEmpty || path.isEmpty else {
        throw FirnError(
          .unknownName, "there are no variables in `\(path)`",
          remedy: NearestNames(to: path, among: variables.map(\.scope)).question
            ?? "load into a scope of the graph", place: path)
      }
      return inScope.map { Target(variable: $0, region: region($0)) }
    }
  }

  struct Change {
    let name: String
    let block: Block?
    /// What it is made from.
    let sources: [WeightEntry]
    let read: () throws(FirnError) -> NDArray
  }

  private(set) var report: LoadReport
  private(set) var changes: [Change] = []
  /// Variables that get numbers rounded from `f64` to `f32`; no other conversion loses any.
  private(set) var rounded: [String] = []
  /// Variables that get the sum of two biases.
  private(set) var joined: [String] = []
  /// Rules of the map that took nothing.
  let idleRules: [String]
  private let source: String
  private let scope: String?
  /// Where all that is wrong has one cause, it.
  let cause: LoadCause?

  /// - Parameter isWhole: whether all of the file is wanted; else what is for no target is left out.
  /// - Throws: where two tensors are for one variable, or a pattern is faulty.
  init(
    _ weights: Weights, targets: [Target], isWhole: Bool, scope: String?, mapping: NameMap
  ) throws(FirnError) {
    source = weights.source
    self.scope = scope
    let prefix = scope.map { $0.isEmpty ? "" : $0 + "/" } ?? ""
    let mapped = try MappedWeights(weights, by: mapping)
    idleRules = mapped.idle
    let (sources, tied) = try Self.unique(mapped.weights, in: weights.source)
    // What no variable takes is listed by itself where all of the file is wanted.
    let dotted = isWhole ? [:] : Self.dotted(mapped.weights)
    var rows: [LoadReport.Row] = []
    for target in targets {
      guard let region = target.region else { continue }
      let name = String(target.variable.name.dropFirst(prefix.count))
      let (row, moves) = Self.row(
        target.variable, region, sources[name], lacking: mapped.lacking[name] ?? [], dotted: dotted[name])
      rows.append(row)
      guard let moves, let source = sources[name], let dtype = ArrayType(target.variable.type)?.dtype else {
        continue
      }
      if dtype == .f32, source.sources.contains(where: { $0.storedType == .f64 }) {
        rounded.append(target.variable.name)
      }
      if source.joinsBiases { joined.append(target.variable.name) }
      for move in moves {
        changes.append(
          Change(name: target.variable.name, block: move.to, sources: source.sources) {
            () throws(FirnError) in
            let array = try source.entry.array().converted(to: dtype)
            return move.from.map(array.block) ?? array
          })
      }
    }
    let wanted = Set(
      targets.filter { $0.region != nil }.map { String($0.variable.name.dropFirst(prefix.count)) })
    rows += Self.leftovers(
      weights, mapped, tied, wanted: wanted, isWhole: isWhole,
      isMissing: rows.contains { $0.outcome == .missing })
    report = LoadReport(source: weights.source, rows: rows)
    cause =
      changes.isEmpty && !report.isComplete
      ? LoadCause.found(
        weights, targets: targets.filter { $0.region != nil }.map(\.variable), scope: scope, mapping: mapping)
      : nil
  }

  /// Tied tensors may both be for the variable that is one here; any others may not.
  private static func unique(
    _ weights: [MappedWeight], in file: String
  ) throws(FirnError) -> (byTarget: [String: MappedWeight], tied: [MappedWeight]) {
    var result: [String: MappedWeight] = [:]
    var tied: [MappedWeight] = []
    var faults: [FirnError] = []
    for weight in weights {
      guard let other = result[weight.target] else {
        result[weight.target] = weight
        continue
      }
      if try isTied(weight, other) {
        tied.append(weight)
        continue
      }
      let names = (other.sources + weight.sources).map { "`\($0.name)`" }.joined(separator: " and ")
      faults.append(
        FirnError(
          .duplicateName, "\(names) are both for `\(weight.target)`",
          remedy: "leave one out with `NameMap.ignoring`", place: weight.target))
    }
    try FirnError.throwing(faults, "\(file) has several tensors for one variable; nothing was loaded")
    return (result, tied)
  }

  /// Whether both are one piece of the file, and the same view of it.
  private static func isTied(_ a: MappedWeight, _ b: MappedWeight) throws(FirnError) -> Bool {
    guard a.sources.count == 1, b.sources.count == 1, let storage = a.sources[0].storage,
      b.sources[0].storage == storage, a.shape == b.shape
    else { return false }
    return try a.entry.array().isBitwiseEqual(to: b.entry.array())
  }

  /// What a map has left dots in the names of, by these names with slashes.
  private static func dotted(_ weights: [MappedWeight]) -> [String: MappedWeight] {
    Dictionary(
      weights.filter { $0.target.contains(".") }.map { ($0.target.replacing(".", with: "/"), $0) }
    ) { first, _ in first }
  }

  /// - Parameters:
  ///   - lacking: tensors it would be made from and that are not in the file.
  ///   - dotted: what would be for the variable if dots were slashes.
  /// - Returns: what becomes of the variable, and what is moved; nil where nothing is.
  private static func row(
    _ variable: Variable, _ region: Region, _ weight: MappedWeight?, lacking: [String], dotted: MappedWeight?
  ) -> (LoadReport.Row, moves: [BlockMove]?) {
    guard let weight, let type = ArrayType(variable.type) else {
      let names = (lacking.isEmpty ? dotted?.sources.map(\.name) ?? [] : lacking).map { "`\($0)`" }
        .joined(separator: ", ")
      return (
        LoadReport.Row(
          outcome: .missing, variable: variable.name, sources: [], variableType: "\(variable.type)",
          sourceType: nil,
          note: !lacking.isEmpty
            ? "the file lacks " + names
            : dotted.map { "the map makes `\($0.target)` of \(names), with dots for slashes" } ?? ""), nil
      )
    }
    let stored = weight.sources[0].storedType
    var outcome = LoadReport.Outcome.matched
    var notes = weight.change.isEmpty ? [] : [weight.change]
    let moves = BlockMove.all(into: region, of: type.shape, from: weight.shape)
    if moves == nil {
      outcome = .wrongShape
      notes = [BlockMove.refusal(into: region, of: type.shape, from: weight.shape)]
      if let cause = variable.layoutSuspicion(stored: weight.shape) { notes.append(cause) }
    } else if stored.dtype.map({
      $0.isFloatingPoint != type.dtype.isFloatingPoint || ($0 == .bool) != (type.dtype == .bool)
    }) ?? true {
      outcome = .wrongType
      notes = ["\(stored.rawValue) does not become \(type.dtype)"]
    } else {
      if stored.rawValue != type.dtype.rawValue { notes.append("\(stored.rawValue) to \(type.dtype)") }
      if weight.shape != type.shape, let moves { notes.append(BlockMove.description(moves)) }
      if !notes.isEmpty { outcome = .converted }
    }
    return (
      LoadReport.Row(
        outcome: outcome, variable: variable.name, sources: weight.sources.map(\.name),
        variableType: "\(variable.type)",
        sourceType: weight.sources.count == 1 ? stored.rawValue + "\(Shape(weight.sources[0].shape))" : nil,
        note: notes.joined(separator: ", ")), outcome == .matched || outcome == .converted ? moves : nil
    )
  }

  /// What no variable took, in the order of the file.
  private static func leftovers(
    _ weights: Weights, _ mapped: MappedWeights, _ tied: [MappedWeight], wanted: Set<String>, isWhole: Bool,
    isMissing: Bool
  ) -> [LoadReport.Row] {
    var rows: [String: LoadReport.Row] = [:]
    func add(_ entries: [String], _ outcome: LoadReport.Outcome, _ note: String) {
      guard let first = entries.first else { return }
      rows[first] = LoadReport.Row(
        outcome: outcome, variable: nil, sources: entries, variableType: nil,
        sourceType: entries.count == 1
          ? weights[first].map { $0.storedType.rawValue + "\(Shape($0.shape))" } : nil, note: note)
    }
    for name in mapped.ignored { add([name], .ignored, "by the map") }
    // What could not be converted may be what is missing.
    for (sources, error) in mapped.failed {
      add(sources, isWhole || isMissing ? .unconvertible : .ignored, error.message)
    }
    for weight in tied where wanted.contains(weight.target) {
      add(weight.sources.map(\.name), .ignored, "tied to what `\(weight.target)` gets")
    }
    for weight in mapped.weights where !wanted.contains(weight.target) {
      if weight.isCount, isWhole {
        add(weight.sources.map(\.name), .ignored, "no norm here counts its batches")
        continue
      }
      let near = isWhole ? NearestNames(to: weight.target, among: wanted.sorted()).question : nil
      add(
        weight.sources.map(\.name), isWhole ? .unexpected : .ignored,
        isWhole ? "as `\(weight.target)`" + (near.map { "; \($0)" } ?? "") : "not asked for")
    }
    return weights.entries.compactMap { rows[$0.name] }
  }

  // MARK: Refusing

  /// - Throws: one error that lists all that is wrong.
  func requireComplete() throws(FirnError) {
    let faults = faults
    guard let first = faults.first else { return }
    try requireNoCommonCause()
    throw FirnError(
      first.code, refusal, remedy: "load with `strict: false`, a map, or a selection of what is wanted",
      causes: faults)
  }

  /// - Throws: where nothing of the file is for a variable.
  func requireAny() throws(FirnError) {
    guard changes.isEmpty, !report.isComplete else { return }
    try requireNoCommonCause()
    throw FirnError(
      .unknownName, "nothing of \(source) is for a variable here: \(report.summary)",
      remedy: "give the map that makes its names those of variables", causes: faults)
  }

  private func requireNoCommonCause() throws(FirnError) {
    guard let cause else { return }
    throw FirnError(
      .unknownName, "\(cause.message); \(report.summary); nothing was loaded", remedy: cause.remedy)
  }

  /// The changes, their arrays read.
  ///
  /// - Parameter isStrict: whether it is an error that elements cannot be what their variable wants, such as numbers
  ///   beyond `i32`; else the variable stays as it is, and the report says so.
  /// - Throws: in any case where the file turns out to be damaged.
  mutating func read(isStrict: Bool) throws(FirnError) -> [VariableChange] {
    var read: [VariableChange] = []
    var refused: Set<String> = []
    for change in changes where !refused.contains(change.name) {
      do throws(FirnError) {
        read.append(
          VariableChange(change.name, block: change.block, to: try change.read(), origin: .loaded))
      } catch {
        // What is damaged cannot be read as it is stored either.
        for entry in change.sources { _ = try entry.storedBytes() }
        // Nor is it the elements' fault where there is no memory.
        if isStrict || error.code == .invalidArgument {
          let sources = change.sources.map { "`\($0.name)`" }.joined(separator: ", ")
          throw FirnError(
            error.code, "\(sources), for `\(change.name)`: \(error.message)", remedy: error.remedy,
            place: change.name)
        }
        refused.insert(change.name)
        report = report.refusing(change.name, for: error.message)
      }
    }
    changes.removeAll { refused.contains($0.name) }
    rounded.removeAll { refused.contains($0) }
    joined.removeAll { refused.contains($0) }
    return read.filter { !refused.contains($0.name) }
  }

  private var refusal: String {
    "\(source) does not fit \(scope.map { "`\($0)`" } ?? "the model"): \(report.summary); nothing was loaded"
  }

  /// One for each row a strict load refuses.
  var faults: [FirnError] {
    report.faults.map { row in
      let sources = row.sources.map { "`\($0)`" }.joined(separator: ", ")
      let variable = row.variable.map { "`\($0)` (\(row.variableType ?? ""))" } ?? ""
      switch row.outcome {
      case .missing:
        return FirnError(
          .unknownName, "\(variable) is missing" + (row.note.isEmpty ? "" : ": \(row.note)"),
          place: row.variable)
      case .wrongShape, .wrongType:
        return FirnError(
          row.outcome == .wrongShape ? .shapeMismatch : .typeMismatch,
          "\(variable) is \(row.sourceType ?? "") as \(sources): \(row.note)", place: row.variable)
      case .unconvertible:
        return FirnError(
          .invalidArgument, sources + (variable.isEmpty ? "" : ", for \(variable)") + ": \(row.note)",
          place: row.variable)
      case .unexpected, .matched, .converted, .ignored:
        return FirnError(.unknownName, "\(sources) is unexpected, \(row.note)")
      }
    }
  }
}
