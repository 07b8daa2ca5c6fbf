import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTestSupport
import Testing

@testable import FirnRuntime

/// The passes that split loops, on random models: reversed, nested, of named lengths, of length 0 and 1.
@Suite struct RandomLoopsTests {
  private static let passes = ["hoist-invariants", "batch-steps", "sum-after-loops"]

  private func model(_ seed: Int, checkpoints: Bool = false, isSmooth: Bool = false) throws -> RandomModel {
    var options = RandomModel.Options()
    options.checkpoints = checkpoints
    options.isSmooth = isSmooth
    let model = RandomModel(seed: seed, options: options)
    try model.graph.validate()
    return model
  }

  private func gradients(_ model: RandomModel) -> [Tensor] {
    model.graph.gradients(of: [model.loss], withRespectTo: model.variables, unconnected: .zero)
  }

  private func request(_ model: RandomModel, _ fetches: [Tensor]) -> CompilationRequest {
    CompilationRequest(
      graph: model.graph.definition, fetches: fetches.map(\.value), isTrainingMode: true)
  }

  private func run(
    _ model: RandomModel, _ fetches: [Tensor], pipeline: [Pass] = Compiler.pipeline
  ) throws -> [NDArray] {
    let session = try Session(model.graph, threads: 1)
    let program = try session.compile(request(model, fetches), pipeline: pipeline)
    let feeds = Feeds(model.feeds.map { (name: $0.tensor.name, array: $0.array) })
    let results = try session.run(program, feeding: feeds)
    return try fetches.map { try results[$0] }
  }

  private func isSame(_ a: NDArray, _ b: NDArray) -> Bool {
    a.type == b.type && zip(a.doubles, b.doubles).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
  }

  private func isClose(_ a: NDArray, _ b: NDArray, _ tolerance: Double) -> Bool {
    let scale = max(1, b.doubles.filter(\.isFinite).map(abs).max() ?? 0)
    return a.type == b.type
      && zip(a.doubles, b.doubles).allSatisfy { a, b in
        a == b || a.isNaN && b.isNaN || abs(a - b) <= tolerance * scale
      }
  }

  /// A test of passes that never fire would pass.
  @Test func passesFire() throws {
    var fired: [String: Int] = [:]
    for seed in 0..<120 {
      let model = try model(seed)
      let stages = Stages()
      _ = try Compiler.compile(request(model, gradients(model)), dump: stages)
      for name in Set(stages.all.map(\.name)) { fired[name, default: 0] += 1 }
    }
    for (name, least) in zip(Self.passes, [20, 10, 1]) {
      #expect(fired[name, default: 0] >= least, "\(name): \(fired[name, default: 0])")
    }
  }

  @Test(arguments: 0..<120) func passesAreIdempotent(_ seed: Int) throws {
    let model = try model(seed, checkpoints: seed % 2 == 0)
    let request = request(model, gradients(model))
    let twice = Compiler.pipeline.flatMap { Self.passes.contains($0.name) ? [$0, $0] : [$0] }
    #expect(
      try Compiler.compile(request).graph.text == Compiler.compile(request, pipeline: twice).graph.text)
  }

  /// Gradients of a norm of gradients.
  @Test(arguments: 0..<60) func secondDerivativesAreThoseOfWholeLoops(_ seed: Int) throws {
    let model = try model(seed, checkpoints: seed % 2 == 0, isSmooth: true)
    var norm: Tensor = model.graph.constant(0, dtype: .f64)
    for gradient in gradients(model) { norm = norm + square(gradient).sum() }
    let second = model.graph.gradients(of: [norm], withRespectTo: model.variables, unconnected: .zero)
    let whole = Compiler.pipeline.filter { !Self.passes.contains($0.name) }
    for (a, b) in zip(try run(model, second), try run(model, second, pipeline: whole)) {
      #expect(isClose(a, b, 1e-10), "\(a) is not \(b)")
    }
  }

  /// Keeping less changes no value, and gradients by rounding at most.
  @Test(arguments: 0..<160) func checkpointsChangeNothing(_ seed: Int) throws {
    let (plain, kept) = (try model(seed), try model(seed, checkpoints: true))
    for (a, b) in zip(
      try run(plain, plain.outputs + [plain.loss]), try run(kept, kept.outputs + [kept.loss]))
    {
      #expect(isSame(a, b), "\(a) is not \(b)")
    }
    for (a, b) in zip(try run(plain, gradients(plain)), try run(kept, gradients(kept))) {
      #expect(isClose(a, b, 1e-12), "\(a) is not \(b)")
    }
  }
}
