internal import FirnFormats
internal import FirnGraph
internal import FirnNotation

/// What a file of weights holds for a graph: names and shapes; no values are read.
struct LoadedWeights {
  static let options = [
    ArgumentParser.Option(
      name: "weights", value: .text(placeholder: "FILE"),
      help: "count the variables in this file of weights as loaded"),
    WeightMaps.option,
    ArgumentParser.Option(
      name: "into", value: .text(placeholder: "SCOPE"), help: "the file's names are relative to this scope"),
  ]

  /// Names of the variables the file has values for.
  let loaded: Set<String>

  /// Says on the shell's stream of errors what does not match.
  ///
  /// - Returns: nil where no file is given.
  /// - Throws: `FileFailure` for a file that cannot be read; where nothing of it is for the graph.
  init?(_ arguments: ParsedArguments, for graph: GraphDef, in shell: Shell) throws {
    guard let path = try Self.path(arguments) else { return nil }
    let scope = arguments.text("into")
    let maps = try WeightMaps(arguments)
    let weights = try WeightFile.model(path, in: shell).weights
    let (report, cause) = try weights.fitting(graph.variables, into: scope, mapping: maps.joined)
    loaded = Set(
      (report.rows(.matched) + report.rows(.converted)).compactMap(\.variable))
    guard !loaded.isEmpty else {
      if let cause {
        throw FirnError(
          .unknownName, "\(cause.message); \(report.summary)",
          remedy: "write `\(cause.options.joined(separator: " "))`"
            + (maps.isEmpty || cause.options.first?.hasPrefix("--map") != true
              ? "" : " before the other maps"))
      }
      throw FirnError(
        .unknownName, "nothing of '\(path)' is for a variable here: \(report.summary)",
        remedy: Self.faults(report).first ?? "give the map that makes its names those of variables")
    }
    guard !report.isComplete else { return }
    shell.errors("\(path): \(report.summary)\n")
    let faults = Self.faults(report)
    for line in faults.prefix(Self.listed) {
      for part in TextReport.wrapped(line, width: shell.terminal.width, indent: 4, first: "  ") {
        shell.errors(part + "\n")
      }
    }
    if faults.count > Self.listed { shell.errors("  … and \(faults.count - Self.listed) more\n") }
  }

  /// The file that is given; nil where none is.
  ///
  /// - Throws: `UsageError` where something is said of a file and none is given.
  static func path(_ arguments: ParsedArguments) throws(UsageError) -> String? {
    if let path = arguments.text("weights") { return path }
    guard let option = ["map", "into"].first(where: { arguments.text($0) != nil }) else { return nil }
    throw UsageError(
      "firn \(arguments.command ?? "")", "'--\(option)' needs '--weights'", remedy: "name a file of weights")
  }

  private static let listed = 12

  /// What does not match, a line for each.
  private static func faults(_ report: LoadReport) -> [String] {
    report.faults.map { row in
      let sources = row.sources.map { "`\($0)`" }.joined(separator: ", ")
      switch row.outcome {
      case .missing: return "missing: `\(row.variable ?? "")` (\(row.variableType ?? ""))"
      case .unexpected: return "unexpected: \(sources) (\(row.sourceType ?? "")) \(row.note)"
      default: return "`\(row.variable ?? "")` (\(row.variableType ?? "")) is not \(sources): \(row.note)"
      }
    }
  }
}
