/// The command `firn-bench`: `firn-bench [NAME …]` runs the named benchmarks, all by default.
///
/// `firn-bench training lstm-128 --peer python` runs one work of `training` beside other libraries.
@main
enum Main {
  static func main() throws {
    var wanted = Array(CommandLine.arguments.dropFirst())
    var peer: String?
    if let option = wanted.firstIndex(of: "--peer") {
      guard option + 1 < wanted.count else { fatalError("--peer needs a Python") }
      peer = wanted[option + 1]
      wanted.removeSubrange(option...option + 1)
    }
    let works = wanted.filter { name in TrainingBenchmark.works.contains { $0.name == name } }
    wanted.removeAll { works.contains($0) }
    if !works.isEmpty, wanted.isEmpty { wanted = ["training"] }
    let benchmarks: [(name: String, run: () throws -> Void)] = [
      ("asking", AskingBenchmark.run),
      ("compiling", CompilingBenchmark.run),
      ("memory", MemoryBenchmark.run),
      ("drawing", DrawingBenchmark.run),
      ("freezing", FreezingBenchmark.run),
      ("loops", LoopsBenchmark.run),
      ("training", { try TrainingBenchmark.run(works, peer: peer) }),
      ("products", ProductsBenchmark.run),
      ("denormals", DenormalsBenchmark.run),
      ("convolution", ConvolutionBenchmark.run),
      ("networks", NetworksBenchmark.run),
      ("weights", WeightsBenchmark.run),
    ]
    for benchmark in benchmarks where wanted.isEmpty || wanted.contains(benchmark.name) {
      print("== \(benchmark.name)")
      try benchmark.run()
    }
  }
}

/// Milliseconds of the fastest of some runs, which is the one least disturbed.
func milliseconds(runs: Int = 3, _ body: () throws -> Void) rethrows -> Double {
  var best = Double.infinity
  let clock = ContinuousClock()
  for _ in 0..<runs {
    let start = clock.now
    try body()
    let (seconds, attoseconds) = start.duration(to: clock.now).components
    best = min(best, Double(seconds) * 1e3 + Double(attoseconds) / 1e15)
  }
  return best
}

/// `value` with `digits` places, padded to a column.
func column(_ value: Double, digits: Int = 2, width: Int = 12) -> String {
  var scaled = "\((value * power(10, digits)).rounded() / power(10, digits))"
  while scaled.count < width { scaled = " " + scaled }
  return scaled
}

private func power(_ base: Double, _ exponent: Int) -> Double {
  (0..<exponent).reduce(1) { product, _ in product * base }
}
