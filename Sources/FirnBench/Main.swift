import Foundation

/// The command `firn-bench`; `BenchArguments` says how it is called.
@main
enum Main {
  struct Benchmark: Sendable {
    var name: String
    var help: String
    var run: @Sendable (BenchArguments) throws -> Void

    init(_ name: String, _ help: String, _ run: @escaping @Sendable (BenchArguments) throws -> Void) {
      (self.name, self.help, self.run) = (name, help, run)
    }

    /// One that the arguments do not change.
    init(_ name: String, _ help: String, _ run: @escaping @Sendable () throws -> Void) {
      self.init(name, help) { _ in try run() }
    }
  }

  static let benchmarks = [
    Benchmark("asking", "building, asking and compiling graphs of growing size", AskingBenchmark.run),
    Benchmark(
      "compiling", "compiling and planning graphs of up to 95,000 nodes, pass by pass", CompilingBenchmark.run
    ),
    Benchmark("compiling-million", "the same of 950,000 nodes", CompilingBenchmark.runMillion),
    Benchmark(
      "compiling-variables", "selecting and training up to 100,000 variables",
      CompilingBenchmark.runVariables),
    Benchmark("memory", "arenas beside the most bytes that are needed at once", MemoryBenchmark.run),
    Benchmark("drawing", "writing graphs as DOT, and laying them out", DrawingBenchmark.run),
    Benchmark("freezing", "a stack frozen layer by layer", FreezingBenchmark.run),
    Benchmark("storing", "a frozen LSTM with kernels of 32, 16 and 8 bits", StoringBenchmark.run),
    Benchmark("caching", "epochs on stored features, beside the head alone", CachingBenchmark.run),
    Benchmark(
      "loops", "an LSTM's step without the passes for loops, and with checkpoints", LoopsBenchmark.run),
    Benchmark("training", "training steps and products, also beside other libraries", TrainingBenchmark.run),
    Benchmark("products", "matrix products on one thread, by shape", ProductsBenchmark.run),
    Benchmark("denormals", "an LSTM's step where its states die away", DenormalsBenchmark.run),
    Benchmark("convolution", "kernels of convolutional networks on one thread", ConvolutionBenchmark.run),
    Benchmark("networks", "building, freezing, explaining and drawing a ResNet-50", NetworksBenchmark.run),
    Benchmark(
      "imported", "steps of a ResNet-18 read from ONNX beside those of the hand-written one",
      ImportedBenchmark.run),
    Benchmark(
      "worlds", "two members on a core each beside one on one; `mpiexec -n N` for processes",
      WorldsBenchmark.run),
    Benchmark("weights", "opening a session on a gigabyte of weights", WeightsBenchmark.run),
  ]

  static func main() {
    do {
      try run(try BenchArguments(Array(CommandLine.arguments.dropFirst())))
    } catch let error as UsageError {
      note("\(error.message)\nsee firn-bench --help")
      exit(2)
    } catch {
      note("\(error)")
      exit(1)
    }
  }

  private static func run(_ arguments: BenchArguments) throws {
    let rows = WorkRow.all.filter { arguments.rows.contains($0.name) }
    switch arguments.task {
    case .help: print(BenchArguments.help)
    case .one(let name):
      guard let row = WorkRow.all.first(where: { $0.name == name }) else { return }
      print(try JSON.line(RowMeasurement(row, threads: arguments.threads[0])))
    case .record(let file):
      let counted = try CountsFile(counting: rows, threads: arguments.threads)
      try Data(try JSON.text(counted).utf8).write(to: URL(filePath: file))
      print("\(counted.entries.count) entries recorded")
    case .check(let file):
      if try !isFree(ofRises: file, rows, threads: arguments.threads) { exit(1) }
    case .measure:
      for benchmark in benchmarks where arguments.benchmarks.contains(benchmark.name) {
        // A reader of JSON is given nothing else.
        if arguments.json != "-" { print("== \(benchmark.name)") }
        try benchmark.run(arguments)
      }
    }
  }

  private static func isFree(ofRises file: String, _ rows: [WorkRow], threads: [Int]) throws -> Bool {
    let stored: CountsFile
    do {
      stored = try JSONDecoder().decode(CountsFile.self, from: Data(contentsOf: URL(filePath: file)))
    } catch {
      throw UsageError("\(file) is no file of counts (--record makes one): \(error)")
    }
    let counted = try CountsFile(counting: rows, threads: threads)
    let result = stored.comparing(counted, rows: rows.map(\.name), knownRows: WorkRow.all.map(\.name))
    for line in result.notes { print(line) }
    for line in result.faults { print("FAULT: \(line)") }
    print("\(counted.entries.count) entries counted, \(result.faults.count) faults")
    return result.faults.isEmpty
  }
}

/// How the command writes JSON: keys in order, so that files can be compared as text.
enum JSON {
  static func text(_ value: some Encodable) throws -> String {
    try encoded(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]) + "\n"
  }

  static func line(_ value: some Encodable) throws -> String {
    try encoded(value, [.sortedKeys, .withoutEscapingSlashes])
  }

  private static func encoded(_ value: some Encodable, _ form: JSONEncoder.OutputFormatting) throws -> String
  {
    let encoder = JSONEncoder()
    encoder.outputFormatting = form
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
