internal import FirnNotation
public import FirnCharts
internal import FirnFiles
public import FirnGraph
internal import Foundation

/// What became of a run, epoch by epoch.
public struct TrainingHistory: Hashable, Sendable, Codable {
  /// In their order; those before a resumption included.
  public var epochs: [EpochRecord]

  /// A history; empty by default.
  public init(epochs: [EpochRecord] = []) { self.epochs = epochs }

  /// Names of the numbers an epoch has: `training loss`, then those of the validation.
  public var names: [String] {
    var names = ["training loss"]
    for name in epochs.lazy.flatMap(\.validation).map(\.name) where !names.contains(name) {
      names.append(name)
    }
    return names
  }

  /// The numbers as a table, one row an epoch; nothing where an epoch has none of a name.
  public var table: CurveTable {
    var columns: [CurveTable.Column] = []
    columns.append(.init("epoch", epochs.map { Double($0.epoch) }))
    columns.append(.init("step", epochs.map { Double($0.step) }))
    columns.append(.init("stage", epochs.map { Double($0.stage) }))
    for name in names { columns.append(.init(name, epochs.map { $0[name] })) }
    columns.append(.init("rate factor", epochs.map(\.rateFactor)))
    columns.append(.init("seconds", epochs.map(\.seconds)))
    return CurveTable(columns: columns)
  }

  /// The table as CSV.
  public func csv() -> String { table.csv() }

  /// The same as JSON; NaN and infinities are the strings `nan`, `inf` and `-inf`, which JSON has no numbers for.
  public func json() -> String { PlainJSON.text(self) ?? "{}" }

  /// Curves over epochs.
  ///
  /// - Parameter names: which of ``names``; by default the losses.
  public func chart(_ names: [String]? = nil, title: String = "Training") -> LineChart {
    let names = names ?? self.names.filter { $0 == "training loss" || $0 == "loss" }
    return LineChart(
      title: title, xLabel: "epoch", yLabel: names.count == 1 ? names[0] : "loss",
      series: names.map { name in
        .init(
          name,
          points: epochs.compactMap { epoch in epoch[name].map { .init(Double(epoch.epoch), $0) } })
      })
  }

  /// Writes `history.csv`, `history.json` and `history.svg` into a folder, each whole or not at all.
  ///
  /// - Throws: `.file` where one cannot be written.
  public func write(to folder: String) throws(FirnError) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FirnError(
        .file, "cannot make the folder '\(folder)': \(FileReason.words(error))",
        remedy: "choose another place, or allow writing")
    }
    try TextFile.write(csv(), to: folder + "/history.csv")
    try TextFile.write(json() + "\n", to: folder + "/history.json")
    try chart().write(to: folder + "/history.svg")
  }
}
