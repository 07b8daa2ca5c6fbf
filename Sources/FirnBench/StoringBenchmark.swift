import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining

/// A frozen LSTM of 512 units with its kernels in `f32` and in smaller types, in turns: times beside that of `f32`, bytes
/// of the copies, and what rounding changes.
enum StoringBenchmark {
  private static let (units, features, time) = (512, 512, 50)
  private static let rounds = 9

  static func run() throws {
    for batch in [64, 8, 1] { try run(batch: batch) }
  }

  private static func run(batch: Int) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", Dim(time), Dim(features)])
    let y = graph.placeholder("y", shape: ["batch", 1])
    let state = LSTM(units, name: "net")(x)
    let loss = square(Dense(1, name: "head")(state) - y).mean()
    let session = try Session(graph, threads: 2)
    session.onWarning = { _ in }
    let feeds: Feeds = [
      x: try Initializer.uniform(-1, 1).values(shape: [batch, time, features], name: "x"),
      y: try Initializer.uniform(-1, 1).values(shape: [batch, 1], name: "y"),
    ]
    let types = [nil] + FrozenStorage.allCases.map { FrozenStorage?.some($0) }
    let programs = try types.map { type in
      try session.compile(
        minimizing: loss, with: Adam(learningRate: 0.001), freezing: "net", storingFrozen: type,
        fetching: [state])
    }
    for program in programs { try session.run(program, feeding: feeds) }
    var times = [[Double]](repeating: [], count: programs.count)
    for _ in 0..<rounds {
      for (number, program) in programs.enumerated() {
        times[number].append(try milliseconds(runs: 5) { try session.run(program, feeding: feeds) })
      }
    }
    let medians = times.map { $0.sorted()[rounds / 2] }
    print("lstm-\(units) frozen, batch \(batch)   ms a step   of f32   KiB of copies   state off by")
    for (number, program) in programs.enumerated() {
      let report = program.frozenReport
      let kernels = report.values.filter { $0.variables.contains { $0.hasSuffix("kernel") } }
      let off =
        types[number] == nil
        ? 0 : try session.frozenReport(of: program, measuredOn: feeds).stored?.deviations[0].relative ?? 0
      print(
        (types[number]?.description ?? "f32").padding(to: 28), column(medians[number]),
        column(medians[number] / medians[0]),
        column(Double(kernels.reduce(0) { $0 + $1.bytes }) / 1024, digits: 0),
        off == 0 ? "" : "   \(off)")
    }
    print("")
  }
}

extension String {
  fileprivate func padding(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
