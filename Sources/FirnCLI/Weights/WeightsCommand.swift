internal import FirnFormats
internal import FirnGraph
internal import FirnNotation

/// `firn weights`: what a file of weights holds.
enum WeightsCommand {
  static let file = ArgumentParser.Positional(
    name: "FILE", help: "safetensors, .npy, .npz, .pt, .pth, or the prefix of a TensorFlow checkpoint")

  static let declaration = ArgumentParser.Command(
    name: "weights", summary: "list the tensors of a file of weights, with statistics",
    positionals: [file], options: [WeightFile.select, .json],
    examples: [
      .init(line: "firn weights model.safetensors", meaning: "names, types, sizes and how the values lie"),
      .init(line: "firn weights model.pt --select '**/bias'", meaning: "the biases of a PyTorch file"),
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let weights = try WeightFile.open(arguments.positionals[0], in: shell)
    let overview = try WeightFile.reading { () throws(FirnError) in
      try WeightsOverview(WeightFile.selected(arguments, of: weights))
    }
    if arguments.flag("json") {
      try shell.json(overview)
    } else {
      show(overview, in: shell)
    }
    return 0
  }

  private static func show(_ overview: WeightsOverview, in shell: Shell) {
    let rows = overview.tensors
    let total = "total \(NumberFormat.count(rows.count))"
    let elements = NumberFormat.count(rows.reduce(0) { $0 + $1.count })
    let plain: [TextTable.Column] = [
      .init("name"), .init("dtype"), .init("shape"), .init("bytes", .right),
    ]
    let facts = rows.map { [$0.name, $0.dtype, "\(Shape($0.shape))", NumberFormat.bytes($0.bytes)] }
    let sum = [total, "", elements, NumberFormat.bytes(overview.bytes)]
    let hasFaults = rows.contains { ($0.statistics?.notANumber ?? 0) + ($0.statistics?.infinite ?? 0) > 0 }
    let headings =
      ["min", "max", "mean", "std", "zeros"] + (hasFaults ? ["NaN", "inf"] : [])
    let figures = rows.map { self.figures($0, showingFaults: hasFaults) }
    let columns = headings.map { TextTable.Column($0, .right) }
    var whole = TextTable(plain + columns)
    for (fact, figure) in zip(facts, figures) { whole.append(fact + figure) }
    whole.append(sum)
    if whole.width <= shell.terminal.width {
      shell.table(whole)
    } else {
      // Names are worth more than one table: cut, they could not be told apart.
      var (first, second) = (TextTable(plain), TextTable([.init("name")] + columns))
      for (fact, figure) in zip(facts, figures) {
        first.append(fact)
        second.append([fact[0]] + figure)
      }
      first.append(sum)
      shell.table(first)
      shell.line()
      shell.table(second)
    }
    let notes =
      overview.shared.map { "share storage: " + $0.joined(separator: ", ") }
      + overview.skipped.map { "skipped: `\($0.name)`: \($0.reason)" }
      + overview.metadata.map { "metadata: \($0.key) = \($0.value)" }
    if !notes.isEmpty { shell.line() }
    for note in notes { shell.paragraph(DisplayText.singleLine(String(note.prefix(1000)))) }
  }

  private static func figures(_ row: WeightsOverview.Row, showingFaults: Bool) -> [String] {
    guard let statistics = row.statistics else { return [] }
    let values = [statistics.least, statistics.greatest, statistics.mean, statistics.deviation]
    let share = row.count == 0 ? "" : NumberFormat.percent(Double(statistics.zeros) / Double(row.count))
    let faults = [statistics.notANumber, statistics.infinite].map { $0 == 0 ? "" : NumberFormat.count($0) }
    return values.map { $0.map(NumberFormat.short) ?? "" } + [share] + (showingFaults ? faults : [])
  }
}

/// What is in a file of weights.
struct WeightsOverview: Codable, Hashable, Sendable {
  struct Row: Codable, Hashable, Sendable {
    var name: String
    var dtype: String
    var shape: [Int]
    var count: Int
    var bytes: Int
    /// Whether it was trained where it was saved, if the format says.
    var requiresGradient: Bool?
    /// Nil for types Firn does not compute with.
    var statistics: WeightStatistics?
  }

  struct Note: Codable, Hashable, Sendable {
    var name: String
    var reason: String
  }

  struct Metadata: Codable, Hashable, Sendable {
    var key: String
    var value: String
  }

  var tensors: [Row] = []
  var bytes: Int
  /// Names of tensors that lie in one piece of the file.
  var shared: [[String]]
  var skipped: [Note]
  var metadata: [Metadata]

  init(_ weights: Weights) throws(FirnError) {
    let progress = WeightFile.progress(weights.source, over: weights.entries)
    for entry in weights.entries {
      tensors.append(
        Row(
          name: entry.name, dtype: entry.storedType.rawValue, shape: entry.shape,
          count: entry.shape.elementCount, bytes: entry.byteCount, requiresGradient: entry.requiresGradient,
          statistics: try WeightStatistics(entry)))
      progress(entry)
    }
    bytes = weights.entries.reduce(0) { $0 + $1.byteCount }
    let pieces = Dictionary(grouping: weights.entries.filter { $0.storage != nil }) { $0.storage ?? 0 }
    shared = pieces.keys.sorted().compactMap { pieces[$0]?.map(\.name) }.filter { $0.count > 1 }
    skipped = weights.skipped.map { Note(name: $0.name, reason: $0.reason) }
    metadata = weights.metadata.map { Metadata(key: $0.key, value: $0.value) }
  }
}
