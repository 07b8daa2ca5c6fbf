/// One line of the table: a row on some threads.
///
/// As JSON it has the same names.
struct TrainingLine: Codable {
  /// One contender's best round.
  struct Result: Codable {
    var library: String
    var variant: String?
    /// The median step.
    var milliseconds: Double
    /// The distance of the quartiles, as a share of the median.
    var spread: Double
    var processBytes: Int?
    /// From the start of the process.
    var firstStepSeconds: Double

    init(_ contender: Contender, _ measurement: RowMeasurement) {
      let times = measurement.milliseconds.sorted()
      (library, variant) = (contender.library, contender.variant)
      milliseconds = times[times.count / 2]
      spread = (times[times.count * 3 / 4] - times[times.count / 4]) / milliseconds
      processBytes = measurement.peakBytes
      firstStepSeconds = measurement.firstStep
    }
  }

  var row: String
  var threads: Int
  var firn: Result
  var counts: Counts?
  /// Of as many threads, in GFLOP/s.
  var fmaPeak: Double?
  /// GFLOP/s of the median step.
  var speed: Double?
  var peakShare: Double?
  /// How much more than its share of the arithmetic of the work's first row it takes of that row's time.
  var excess: Double?
  /// The faster variant of each library that could do the work.
  var peers: [Result]
  /// Firn's time over that of the fastest other.
  var ratio: Double?

  /// - Parameter whole: the line of the work's first row.
  init(
    row: String, threads: Int, firn: Result, counts: Counts?, fmaPeak: Double?, whole: TrainingLine?,
    peers: [Result]
  ) {
    (self.row, self.threads, self.firn, self.counts) = (row, threads, firn, counts)
    (self.fmaPeak, self.peers) = (fmaPeak, peers)
    speed = counts.map { Double($0.flops) / firn.milliseconds / 1e6 }
    peakShare = speed.flatMap { speed in fmaPeak.map { speed / $0 } }
    if let flops = counts?.flops, let whole, let all = whole.counts?.flops {
      excess = (firn.milliseconds / whole.firn.milliseconds) / (Double(flops) / Double(all))
    }
    ratio = peers.map(\.milliseconds).min().map { firn.milliseconds / $0 }
  }
}

/// How lines are laid out: columns of a fixed width, so that each can be printed when it is known.
struct TrainingTable {
  /// The columns that other libraries have; none where there are none.
  let libraries: [String]

  private func line(_ cells: [String]) -> String {
    let widths = [36, 7, 10, 7, 8, 6, 7, 10, 9, 8, 9, 7] + libraries.map { max(10, $0.count + 1) } + [8]
    return zip(cells, widths).enumerated().map { number, cell in
      number == 0 ? cell.0.padded(to: cell.1) : cell.0.aligned(to: cell.1)
    }.joined(separator: " ")
  }

  var heads: String {
    let units =
      ["", "", "ms", "", "GFLOP/s", "peak", "", "MiB", "MiB", "", "in steps", "a run"]
      + libraries.map { _ in "ms" } + (libraries.isEmpty ? [] : ["fastest"])
    let titles =
      [
        "a step with Adam", "threads", "median", "spread", "", "of FMA", "excess", "arena", "process",
        "barriers", "allocated", "",
      ] + libraries + (libraries.isEmpty ? [] : ["ratio to"])
    return line(titles) + "\n" + line(units)
  }

  func text(_ row: TrainingLine) -> String {
    func share(_ value: Double?) -> String { value.map { "\(Int(($0 * 100).rounded())) %" } ?? "-" }
    func number(_ value: Double?, _ digits: Int) -> String {
      value.map { column($0, digits: digits, width: 0) } ?? "-"
    }
    func mebibytes(_ bytes: Int?) -> String { number(bytes.map { Double($0) / 1_048_576 }, 1) }
    func count(_ value: Int?) -> String { value.map { "\($0)" } ?? "-" }
    return line(
      [
        row.row, "\(row.threads)", number(row.firn.milliseconds, 3), share(row.firn.spread),
        number(row.speed, 1), share(row.peakShare), number(row.excess, 2),
        mebibytes(row.counts?.arenaBytes), mebibytes(row.firn.processBytes), count(row.counts?.barriers),
        count(row.counts?.stepAllocations), count(row.counts?.runAllocations),
      ]
        + libraries.map { library in
          number(row.peers.first { $0.library == library }?.milliseconds, 3)
        } + (libraries.isEmpty ? [] : [number(row.ratio, 2)]))
  }

  /// Memory of the process and seconds to the first step, beside those of the others.
  func startText(_ rows: [TrainingLine]) -> String {
    let all = ["firn"] + libraries
    let widths = [36, 7] + (all + all).map { _ in 11 }
    func line(_ cells: [String]) -> String {
      zip(cells, widths).enumerated().map { number, cell in
        number == 0 ? cell.0.padded(to: cell.1) : cell.0.aligned(to: cell.1)
      }.joined(separator: " ")
    }
    var lines = [
      line(["process, MiB; first step, s", "threads"] + all + all)
    ]
    for row in rows {
      let results = all.map { library in ([row.firn] + row.peers).first { $0.library == library } }
      let memory = results.map { result in
        (result?.processBytes).map { column(Double($0) / 1_048_576, digits: 0, width: 0) } ?? "-"
      }
      let seconds = results.map { result in
        (result?.firstStepSeconds).map { column($0, digits: 2, width: 0) } ?? "-"
      }
      lines.append(line([row.row, "\(row.threads)"] + memory + seconds))
    }
    return lines.joined(separator: "\n")
  }
}
