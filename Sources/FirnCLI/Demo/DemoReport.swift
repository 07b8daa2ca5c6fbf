internal import FirnCharts
internal import FirnFiles
internal import FirnCompiler
internal import FirnFormats
internal import FirnGraph
internal import FirnNotation
internal import FirnRuntime
internal import Foundation

/// What the demonstration leaves behind: a table and files.
struct DemoReport {
  let pretraining: DemoExperiment.Pretraining
  let outcomes: [DemoExperiment.Outcome]

  /// One column a way, one row a figure.
  var table: TextTable {
    var table = TextTable([.init("")] + outcomes.map { .init($0.way.rawValue, .right) })
    func row(_ title: String, _ cell: (DemoExperiment.Outcome) -> String) {
      table.append([title] + outcomes.map(cell))
    }
    let binding: DimBinding = ["batch": DemoModel.batchSize]
    row("trained parameters") { NumberFormat.count($0.trainedParameters) }
    row("frozen or cut-off parameters") { NumberFormat.count($0.heldParameters) }
    row("nodes in the backward program") { NumberFormat.count($0.program.cost.nodes(.backward)) }
    row("  of these for encoder") { NumberFormat.count($0.program.cost(of: "encoder").nodes(.backward)) }
    row("backward FLOPs a step") {
      NumberFormat.flops($0.program.cost.flops(.backward, binding: binding) ?? 0)
    }
    row("arena") { NumberFormat.bytes($0.arenaBytes) }
    row("optimiser memory") { NumberFormat.bytes($0.program.cost.slotBytes.value ?? 0) }
    row("milliseconds a step") { NumberFormat.fixed($0.millisecondsPerStep, digits: 3) }
    row("test accuracy on 5-9") { NumberFormat.percent($0.testAccuracy) }
    row("encoder's bits unchanged") {
      $0.heldBitsUnchanged ? "yes" : $0.heldParameters == 0 ? "no (trained)" : "NO"
    }
    return table
  }

  /// Makes the directory that the files go to, where it is missing, and sees that files can be written there.
  static func prepare(_ directory: String) throws(FirnError) {
    let remedy = "choose another place with --out"
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw FirnError(
        .file, "cannot create the directory '\(directory)': \(FileReason.words(error, making: directory))",
        remedy: remedy)
    }
    guard FileManager.default.isWritableFile(atPath: directory) else {
      throw FirnError(.file, "the directory '\(directory)' cannot be written", remedy: remedy)
    }
  }

  /// Graphs before and after the freeze as `.firn` and `.dot`, and the loss curves as CSV and SVG.
  ///
  /// - Returns: the paths written.
  func write(to directory: String) throws(FirnError) -> [String] {
    try Self.prepare(directory)
    var written: [String] = []
    func write(_ text: String, _ name: String) throws(FirnError) {
      try TextFile.write(text, to: "\(directory)/\(name)")
      written.append("\(directory)/\(name)")
    }
    for outcome in outcomes {
      let name = outcome.fileName
      try write(outcome.program.graph.text, "\(name).firn")
      try write(outcome.drawing, "\(name).dot")
    }
    try write(curves.csv(), "losses.csv")
    try write(chart.svg(), "losses.svg")
    return written
  }

  private var curves: CurveTable {
    let length = outcomes.map(\.losses.count).max() ?? 0
    return CurveTable(
      columns: [.init("step", (0..<length).map { Double($0 + 1) })]
        + outcomes.map { .init($0.way.rawValue, $0.losses.map(Optional.some)) })
  }

  private var chart: LineChart {
    LineChart(
      title: "Moving an LSTM from the digits 0-4 to 5-9", xLabel: "step",
      yLabel: "training loss (mean of 20 steps)",
      series: outcomes.map { outcome in
        let smooth = Self.smoothed(outcome.losses, width: 20)
        return LineChart.Series(
          outcome.way.rawValue, points: smooth.enumerated().map { .init(Double($0 + 1), $1) })
      }, logarithmicY: true)
  }

  /// The mean of the last `width` values at each place.
  private static func smoothed(_ values: [Double], width: Int) -> [Double] {
    values.indices.map { last in
      let window = values[max(0, last - width + 1)...last]
      return window.reduce(0, +) / Double(window.count)
    }
  }
}

extension DemoExperiment.Outcome {
  var trainedParameters: Int { program.trained.reduce(0) { $0 + $1.elementCount } }

  var heldParameters: Int {
    program.status.variables.filter { $0.status != .trained }.reduce(0) { $0 + $1.count }
  }

  fileprivate var fileName: String {
    switch way {
    case .allTrainable: "before-freeze"
    case .frozenScope: "after-freeze"
    case .stopGradient: "stop-gradient"
    }
  }

  /// The model with what the program trains, holds and leaves out.
  fileprivate var drawing: String {
    let frozen = Set(program.frozen.map(\.name))
    return model.graph.definition.dot(
      DOTOptions(
        title: "LSTM on digits: \(way.rawValue)", depth: .max, frozen: frozen,
        removedGradients: program.removedGradients,
        legend: true))
  }
}
