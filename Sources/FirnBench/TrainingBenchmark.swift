import Foundation

/// Training steps of what people freeze parts of, by name, whole and with parts frozen, and products; where asked for,
/// beside other libraries.
///
/// Each measurement is a process of its own, Firn's too: memory and time to the first step are then those of one row,
/// and nobody finds caches, heaps or threads of another.
enum TrainingBenchmark {
  static func run(_ arguments: BenchArguments) throws {
    if let python = arguments.peer { try Contender.require(python: python) }
    let rows = WorkRow.all.filter { arguments.rows.contains($0.name) }
    let table = TrainingTable(libraries: arguments.peer == nil ? [] : Contender.libraries)
    let isTableShown = arguments.json != "-"
    if isTableShown {
      let peaks = arguments.threads.map { threads in
        "\(column(FMAPeak.gigaflops(threads: threads), digits: 1, width: 0)) GFLOP/s on \(threads)"
      }
      print("FMA peak by threads: \(peaks.joined(separator: ", "))")
      print(table.heads)
    }
    var lines: [TrainingLine] = []
    var absent: Set<String> = []
    for row in rows {
      for threads in arguments.threads {
        let first = row.work.rows.first.map { WorkRow(work: row.work, row: $0).name }
        let whole = lines.first { $0.row == first && $0.threads == threads }
        let line = try measure(row, threads: threads, arguments, &absent, whole: whole)
        lines.append(line)
        if isTableShown { print(table.text(line)) }
      }
    }
    if isTableShown, arguments.peer != nil { print("\n" + table.startText(lines)) }
    guard let file = arguments.json else { return }
    let text = try JSON.text(lines)
    if file == "-" {
      print(text, terminator: "")
    } else {
      try Data(text.utf8).write(to: URL(filePath: file))
    }
  }

  /// - Parameter absent: libraries that were found not to be installed.
  private static func measure(
    _ row: WorkRow, threads: Int, _ arguments: BenchArguments, _ absent: inout Set<String>,
    whole: TrainingLine?
  ) throws -> TrainingLine {
    let contenders = (arguments.peer.map { Contender.peers($0, on: row) } ?? []) + [.firn]
    var best = [(result: TrainingLine.Result, measurement: RowMeasurement)?](
      repeating: nil, count: contenders.count)
    // In turns, so that what else the machine does meets all of them.
    for round in 0..<arguments.rounds {
      for (number, contender) in contenders.enumerated() where !absent.contains(contender.library) {
        switch try contender.measure(row, threads: threads) {
        case .measured(let measurement):
          let result = TrainingLine.Result(contender, measurement)
          if result.milliseconds < best[number]?.result.milliseconds ?? .infinity {
            best[number] = (result, measurement)
          }
        case .absent:
          absent.insert(contender.library)
          if Contender.libraries.allSatisfy(absent.contains) {
            throw UsageError(
              "`\(arguments.peer ?? "")` has none of \(Contender.libraries.joined(separator: ", "))")
          }
          note("\(contender.library) is not installed there, and left out")
        case .failed(let reason) where contender.library == Contender.firn.library:
          throw BenchmarkFailure(description: "\(row.name) on \(threads) threads failed: \(reason)")
        case .failed(let reason):
          if round == 0 { note("\(contender.library) could not do \(row.name): \(reason)") }
        }
      }
    }
    guard let firn = best.last.flatMap(\.self) else {
      throw BenchmarkFailure(description: "\(row.name) was not measured")
    }
    let peers = Contender.libraries.compactMap { library in
      best.dropLast().compactMap { $0?.result }.filter { $0.library == library }
        .min { $0.milliseconds < $1.milliseconds }
    }
    return TrainingLine(
      row: row.name, threads: threads, firn: firn.result, counts: firn.measurement.counts,
      fmaPeak: firn.measurement.fmaPeak, whole: whole, peers: peers)
  }
}

/// A measurement that could not be made.
struct BenchmarkFailure: Error, CustomStringConvertible {
  var description: String
}
