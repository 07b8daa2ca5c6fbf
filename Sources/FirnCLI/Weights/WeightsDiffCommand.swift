internal import FirnFormats
internal import FirnGraph
internal import FirnNotation

/// `firn weights diff`: what differs between two files of weights.
enum WeightsDiffCommand {
  static let declaration = ArgumentParser.Command(
    name: "weights diff",
    summary: "compare two files of weights; exits 0 where they are the same, 1 where not",
    positionals: [
      WeightsCommand.file, .init(name: "FILE_B", help: "the file to compare with, of any format"),
    ],
    options: [
      .init(
        name: "tolerance", value: .number, help: "values that differ by no more count as the same",
        defaultValue: "0"),
      WeightMaps.option, WeightFile.select, .json,
    ],
    examples: [
      .init(
        line: "firn weights diff before.safetensors after.safetensors",
        meaning: "whether what was frozen kept its bits"),
      .init(
        line: "firn weights diff model.pt model.safetensors --map pytorch --tolerance 1e-6",
        meaning: "with the names of the first file mapped"),
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let tolerance = arguments.number("tolerance") ?? 0
    guard tolerance >= 0 else {
      throw UsageError("firn weights diff", "'--tolerance' is negative", remedy: "give 0 or more")
    }
    let maps = try WeightMaps(arguments)
    let difference: WeightsDifference
    do {
      let weights = try arguments.positionals.map { try WeightFile.open($0, in: shell) }
      let first = try maps(weights[0]).weights
      let (a, b) = try WeightFile.selected(arguments, of: first, weights[1])
      difference = try WeightsDifference(a, b, tolerance: tolerance)
    } catch let failure as FileFailure {
      shell.errors("\(failure.error)\n")
      return UsageError.exitCode
    } catch let error as FirnError {
      shell.errors("\(error)\n")
      return UsageError.exitCode
    }
    if arguments.flag("json") {
      try shell.json(difference, nonFinite: true)
    } else {
      show(difference, in: shell)
    }
    return difference.rows.isEmpty ? 0 : 1
  }

  private static func show(_ difference: WeightsDifference, in shell: Shell) {
    if !difference.rows.isEmpty {
      var table = TextTable([
        .init("name"), .init("change"), .init("before"), .init("after"), .init("largest", .right),
        .init("relative", .right),
      ])
      for row in difference.rows {
        table.append([
          row.name, row.change.rawValue, row.before ?? "", row.after ?? "",
          row.largest.map(NumberFormat.short) ?? "", row.relative.map(NumberFormat.short) ?? "",
        ])
      }
      shell.table(table)
      shell.line()
    }
    var words = ["\(NumberFormat.count(difference.identical)) identical"]
    if difference.tolerated > 0 {
      words.append("\(NumberFormat.count(difference.tolerated)) within tolerance")
    }
    words.append("\(NumberFormat.count(difference.rows.count)) different")
    shell.line(words.joined(separator: ", "))
  }
}
