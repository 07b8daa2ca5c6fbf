internal import FirnFormats
internal import FirnGraph
internal import FirnNotation

/// `firn weights`: what a file of weights holds.
enum WeightsCommand {
  static let file = ArgumentParser.Positional(
    name: "FILE",
    help: "safetensors, .npy, .npz, .pt, .pth, .onnx, the prefix of a TensorFlow checkpoint, or -")

  static let declaration = ArgumentParser.Command(
    name: "weights", summary: "list the tensors of a file of weights, with statistics",
    positionals: [file], options: [WeightFile.select, .json],
    examples: [
      .init(line: "firn weights model.safetensors", meaning: "names, types, sizes and how the values lie"),
      .init(line: "firn weights model.pt --select '**/bias'", meaning: "the biases of a PyTorch file"),
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let weights = try WeightFile.open(arguments.positionals[0], in: shell)
    let (selected, overview) = try WeightFile.reading { () throws(FirnError) in
      let selected = try WeightFile.selected(arguments, of: weights)
      return (selected, try WeightsOverview(selected))
    }
    if arguments.flag("json") {
      try shell.json(overview)
    } else {
      shell.report(selected.report(figures: figures(overview.tensors)))
      if let wrapping = WeightFile.wrapping(of: weights) { shell.paragraph(wrapping) }
    }
    return 0
  }

  /// Columns of statistics beside the tensors.
  private static func figures(_ rows: [WeightsOverview.Row]) -> TextColumns.Group {
    let hasFaults = rows.contains { ($0.statistics?.notANumber ?? 0) + ($0.statistics?.infinite ?? 0) > 0 }
    let headings = ["min", "max", "mean", "std", "zeros"] + (hasFaults ? ["NaN", "inf"] : [])
    return TextColumns.Group(
      headings.map { .init($0, .right) }, rows: rows.map { figures($0, showingFaults: hasFaults) })
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
    shared = weights.tied
    skipped = weights.skipped.map { Note(name: $0.name, reason: $0.reason) }
    metadata = weights.metadata.map { Metadata(key: $0.key, value: $0.value) }
  }
}
