import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation

/// Training steps of what people freeze parts of, by name: the time of a step, whole and with parts frozen.
///
/// `peers.py` beside this file does the same work in other libraries, under the same names.
enum TrainingBenchmark {
  /// One model, and what is frozen of it, row by row.
  struct Work: Sendable {
    var name: String
    var batch: Int
    /// The name of a row and what is frozen in it.
    var rows: [(name: String, freezing: Selection?)]
    var build: @Sendable (Graph) -> (loss: Tensor, feeds: [(Tensor, [Int])])
  }

  static let works: [Work] =
    [(20, 10, 32), (128, 128, 32), (512, 512, 64)].flatMap { units, features, batch in
      ["lstm", "gru"].map { kind in
        recurrent("\(kind)-\(units)", kind, units: units, features: features, batch: batch)
      }
    } + [stacked, ownCell]

  private static func recurrent(_ name: String, _ kind: String, units: Int, features: Int, batch: Int) -> Work
  {
    var rows: [(String, Selection?)] = [("all", nil), ("frozen", "net")]
    if kind == "lstm", units == 512 { rows.append(("kernel-frozen", "net/kernel")) }
    return Work(name: name, batch: batch, rows: rows) { graph in
      let x = graph.placeholder("x", shape: ["batch", 50, Dim(features)])
      let y = graph.placeholder("y", shape: ["batch", 1])
      let states = kind == "lstm" ? LSTM(units, name: "net")(x) : GRU(units, name: "net")(x)
      let loss = square(Dense(1, name: "head")(states) - y).mean()
      return (loss, [(x, [batch, 50, features]), (y, [batch, 1])])
    }
  }

  private static let stacked = Work(
    name: "embedding-3-lstm-128", batch: 32,
    rows: [
      ("all", nil), ("embedding", "embedding"), ("embedding-l1", "embedding | l1"),
      ("embedding-l1-l2", "embedding | l1 | l2"), ("body", "embedding | l1 | l2 | l3"),
    ]
  ) { graph in
    let words = graph.placeholder("x", shape: ["batch", 50], dtype: .i32)
    let y = graph.placeholder("y", shape: ["batch", 1])
    var value = Embedding(count: 10_000, width: 128, name: "embedding")(words)
    for layer in 1...2 { value = LSTM(128, name: "l\(layer)").run(value).sequence }
    let loss = square(Dense(1, name: "head")(LSTM(128, name: "l3")(value)) - y).mean()
    return (loss, [(words, [32, 50]), (y, [32, 1])])
  }

  private static let ownCell = Work(
    name: "own-cell-128", batch: 32, rows: [("w-fixed", "cell/W_fixed")]
  ) { graph in
    let x = graph.placeholder("x", shape: ["batch", 50, 128])
    let y = graph.placeholder("y", shape: ["batch", 1])
    let (fixed, free, bias) = graph.scope("cell") {
      (
        graph.variable("W_fixed", shape: [128, 128], role: "kernel"),
        graph.variable("W_train", shape: [128, 128], role: "kernel"),
        graph.variable("bias", shape: [128], role: "bias")
      )
    }
    let start = (x.sliced(axis: 1, from: 0, to: 1) * 0).reshaped(to: ["batch", 128])
    let last = scan(over: [x.transposed([1, 0, 2])], initial: [start]) { step in
      ScanResult(carries: [tanh(matmul(step.slices[0], fixed) + matmul(step.carries[0], free) + bias)])
    }.carries[0]
    let loss = square(Dense(1, name: "head")(last) - y).mean()
    return (loss, [(x, [32, 50, 128]), (y, [32, 1])])
  }

  /// - Parameters:
  ///   - names: the works to measure; all by default.
  ///   - peer: a Python that has PyTorch, JAX or TensorFlow; what it lacks is left out.
  static func run(_ names: [String] = [], peer: String? = nil) throws {
    print("a step with Adam, ms: median and fastest")
    print(
      "".padded(to: 32), "   2 threads                1 thread     MFLOP   arena KiB",
      peer == nil ? "" : "   " + libraries.map { $0.padded(to: 11) }.joined() + "ratio to the fastest")
    for work in works where names.isEmpty || names.contains(work.name) {
      for row in work.rows {
        var cells = try [2, 1].map { threads in try measure(work, row.freezing, threads: threads) }
        var peers = [Double?](repeating: nil, count: peer == nil ? 0 : libraries.count)
        // In turns, so that what else the machine does meets all of them.
        for _ in 0..<(peer == nil ? 0 : 2) {
          for number in peers.indices {
            guard let time = try peerMedian(peer ?? "", libraries[number], work.name, row.name) else {
              continue
            }
            peers[number] = min(peers[number] ?? .infinity, time)
          }
          let again = try measure(work, row.freezing, threads: 2)
          if again.median < cells[0].median { cells[0] = again }
        }
        let fastest = peers.compactMap(\.self).min()
        print(
          "\(work.name) \(row.name)".padded(to: 32),
          cells.map { column($0.median, digits: 3) + column($0.fastest, digits: 3, width: 10) }.joined(),
          column(cells[0].flops / 1e6, digits: 1), column(Double(cells[0].arena) / 1024, digits: 0),
          peers.map { $0.map { column($0, digits: 3, width: 10) } ?? "         -" }.joined(separator: " "),
          fastest.map { column(cells[0].median / $0) } ?? "")
      }
    }
  }

  private static let libraries = ["torch", "jax", "tensorflow"]

  /// The median step of `peers.py`, in milliseconds; nil where the library is not there or cannot do it.
  private static func peerMedian(
    _ python: String, _ library: String, _ name: String, _ row: String
  ) throws -> Double? {
    let process = Process()
    process.executableURL = URL(filePath: python)
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "peers.py")
    process.arguments = [script.path, library, name, row]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0, let times = try? JSONDecoder().decode([Double].self, from: data),
      !times.isEmpty
    else { return nil }
    return times.sorted()[times.count / 2]
  }

  /// One row: milliseconds a step after a warm-up.
  private static func measure(
    _ work: Work, _ freezing: Selection?, threads: Int
  ) throws -> (median: Double, fastest: Double, flops: Double, arena: Int) {
    let graph = Graph()
    let (loss, inputs) = work.build(graph)
    let session = try Session(graph, threads: threads)
    session.onWarning = { _ in }
    let program = try session.compile(
      minimizing: loss, with: Adam(learningRate: 0.001), freezing: freezing)
    let feeds = Feeds(
      try inputs.map { tensor, shape in
        let values = try Initializer.uniform(-1, 1).values(shape: shape)
        return (
          tensor.name,
          tensor.dtype == .i32
            ? try NDArray(values.floats.map { Int32(($0 + 1) * 4999) }, shape: shape) : values
        )
      })
    let clock = ContinuousClock()
    for _ in 0..<5 { try session.run(program, feeding: feeds) }
    var times: [Double] = []
    let begin = clock.now
    while times.count < 20 || times.count < 2000 && begin.duration(to: clock.now) < .milliseconds(700) {
      times.append(try milliseconds(runs: 1) { try session.run(program, feeding: feeds) })
    }
    times.sort()
    let binding: DimBinding = ["batch": work.batch]
    let flops = Node.Phase.allCases.reduce(0.0) { $0 + Double(program.cost.flops($1, binding: binding) ?? 0) }
    return (times[times.count / 2], times[0], flops, try session.arenaBytes(of: program, binding: binding))
  }
}
