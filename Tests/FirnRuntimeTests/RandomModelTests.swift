import FirnCompiler
import FirnGraph
import FirnNotation
@testable import FirnRuntime
import FirnTestSupport
import FirnTraining
import Foundation
import Testing

/// Random models, compiled and planned, against evaluations that know neither.
@Suite struct RandomModelTests {
  /// `FIRN_MODELS=100000` for a long run, in release.
  private static let seeds =
    0..<max(0, ProcessInfo.processInfo.environment["FIRN_MODELS"].flatMap { Int($0) } ?? 500)

  /// - Parameter hasModes: whether some may have values that differ in training and inference, where the compiler is
  ///   told to train.
  private func model(
    _ seed: Int, _ dtype: DType = .f64, isSmooth: Bool = false, hasModes: Bool = true
  ) throws -> RandomModel {
    var options = RandomModel.Options()
    options.dtype = dtype
    options.isSmooth = isSmooth
    options.convolves = seed % 2 == 1
    options.hasModes = hasModes && seed % 3 == 1
    let model = RandomModel(seed: seed, options: options)
    try model.graph.validate()
    return model
  }

  /// The values of `graph`, whose variables and feeds are those of the model as it was made.
  private func plain(_ graph: GraphDef, _ model: RandomModel) throws -> [Value: NDArray] {
    var evaluator = PlainEvaluator()
    for variable in graph.variables {
      evaluator.variables[variable.name] = try variable.initializer.sample(
        #require(ArrayType(variable.type)), seed: 0, name: variable.name)
    }
    for feed in model.feeds { evaluator.feeds[feed.tensor.name] = feed.array }
    return try evaluator.values(of: graph.mapping(.binding(model.binding)))
  }

  private func feeds(_ model: RandomModel) -> Feeds {
    Feeds(model.feeds.map { (name: $0.tensor.name, array: $0.array) })
  }

  private func gradients(_ model: RandomModel, unconnected: Unconnected = .zero) -> [Tensor] {
    model.graph.gradients(of: [model.loss], withRespectTo: model.variables, unconnected: unconnected)
  }

  /// Same bits, or both NaN.
  private func isSame(_ a: NDArray, _ b: NDArray) -> Bool {
    a.isBitwiseEqual(to: b)
      || a.type == b.type && zip(a.doubles, b.doubles).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
  }

  private func isClose(_ a: NDArray, _ b: NDArray, _ tolerance: Double) -> Bool {
    let scale = max(1, b.doubles.filter(\.isFinite).map(abs).max() ?? 0)
    return a.type == b.type
      && zip(a.doubles, b.doubles).allSatisfy { a, b in
        a == b || a.isNaN && b.isNaN || abs(a - b) <= tolerance * scale
      }
  }

  // MARK: Values

  @Test(arguments: seeds) func optimisedValuesEqualPlainOnes(_ seed: Int) throws {
    let model = try model(seed)
    let fetches = model.outputs + model.assignments + [model.loss]
    let session = try Session(model.graph, threads: 1)
    let results = try session.run(
      session.compile(fetching: fetches, inTrainingMode: true), feeding: feeds(model))
    let expected = try plain(model.graph.definition, model)
    for tensor in fetches {
      let (got, wanted) = (try results[tensor], try #require(expected[tensor.value]))
      #expect(isSame(got, wanted), "\(tensor): \(got) is not \(wanted)")
    }
    for tensor in model.assignments {
      let op = try #require(tensor.node?.op as? AssignVariable)
      #expect(isSame(try session.value(of: op.variable), try #require(expected[tensor.value])))
    }
  }

  @Test(arguments: seeds) func fastValuesEqualPlainOnes(_ seed: Int) throws {
    let model = try model(seed, .f32)
    let fetches = model.outputs + model.assignments + [model.loss]
    let session = try Session(model.graph, threads: 1)
    let results = try session.run(
      session.compile(fetching: fetches, inTrainingMode: true), feeding: feeds(model))
    let expected = try plain(model.graph.definition, model)
    for tensor in fetches {
      let (got, wanted) = (try results[tensor], try #require(expected[tensor.value]))
      #expect(isClose(got, wanted, 1e-4), "\(tensor): \(got) is not \(wanted)")
    }
  }

  // MARK: Gradients

  /// To the bit, but for sums over steps, which one pass takes in another order.
  @Test(arguments: seeds) func optimisedGradientsEqualPlainOnes(_ seed: Int) throws {
    let model = try model(seed)
    let fetches = gradients(model) + [model.loss]
    let request = CompilationRequest(
      graph: model.graph.definition, fetches: fetches.map(\.value), isTrainingMode: true)
    let stages = Stages()
    let whole = try Compiler.compile(request, dump: stages)
    let ordered = try Compiler.compile(
      request, pipeline: Compiler.pipeline.filter { $0.name != "sum-after-loops" })
    let expanded = try #require(stages.expanded)
    let expected = try plain(expanded, model)
    let results = try (execute(ordered.whole, model), execute(whole.whole, model))
    for (number, output) in expanded.outputs.enumerated() {
      let wanted = try #require(expected[output])
      #expect(isSame(results.0[number], wanted), "\(fetches[number]): \(results.0[number]) is not \(wanted)")
      #expect(isClose(results.1[number], wanted, 1e-12), "\(fetches[number]): \(results.1[number])")
    }
  }

  /// Along a random direction, against central differences.
  ///
  /// A loss that goes up and down within a step is looked at by smaller ones, and where rounding is in the way of the smallest,
  /// the gradient is to be as near to two of them as they are to each other.
  @Test(arguments: seeds) func gradientsAreThoseOfDifferences(_ seed: Int) throws {
    let model = try model(seed, isSmooth: true)
    let gradients = gradients(model)
    let session = try Session(model.graph, threads: 1)
    let feeds = feeds(model)
    let results = try session.run(
      session.compile(fetching: gradients, inTrainingMode: true), feeding: feeds)
    let before = try session.snapshot()
    var source = RandomSource(seed: seed)
    var slope = 0.0
    var scale = 1e-3
    let directions = try model.variables.map { variable in
      source.array(try #require(variable.shape.extents), .f64).doubles
    }
    for (gradient, direction) in zip(gradients, directions) {
      let values = try results[gradient].doubles
      slope += zip(values, direction).reduce(0) { $0 + $1.0 * $1.1 }
      scale = max(scale, values.map(abs).max() ?? 0)
    }
    try #require(scale.isFinite)
    guard scale < 1e12 else {
      // Of 10,000 models one, whose loss no step of an `f64` leaves as it goes.
      return withKnownIssue("a gradient of \(scale) has no difference to be held against") { Issue.record() }
    }
    func loss(_ step: Double) throws -> Double {
      let session = try Session(model.graph, threads: 1)
      let program = try session.compile(fetching: [model.loss], inTrainingMode: true)
      try session.restore(before)
      for (variable, direction) in zip(model.variables, directions) {
        let value = try session.value(of: variable)
        let moved = zip(value.doubles, direction).map { $0 + step * $1 }
        try session.setValue(NDArray(moved, shape: value.shape), of: variable)
      }
      return try session.run(program, feeding: feeds).scalar(model.loss)
    }
    var (last, apart, wrong) = (0.0, 1.0, 1.0)
    for power in 5...12 {
      let step = pow(10, -Double(power))
      // Fourth order, so that a strongly curved model leaves no error of its own.
      let numeric = try (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * step)
      if abs(slope - numeric) <= 1e-6 * scale { return }
      let size = max(abs(numeric), abs(last))
      if abs(numeric - last) < apart * size {
        (apart, wrong) = (abs(numeric - last) / size, abs(slope - numeric) / size)
      }
      last = numeric
    }
    #expect(apart <= 1e-3 && wrong <= 10 * apart, "\(slope) is not \(last)")
  }

  @Test(arguments: seeds.prefix(120)) func frozenSubsetsLeaveTheOtherGradients(_ seed: Int) throws {
    let model = try model(seed, hasModes: false)
    let gradients = gradients(model, unconnected: .none)
    let feeds = feeds(model)
    func run(_ freezing: [Tensor]) throws -> Results {
      let session = try Session(model.graph, threads: 1)
      let selection = freezing.isEmpty ? nil : try Selection(freezing.map(\.name).joined(separator: " | "))
      let program = try session.compile(
        fetching: gradients, freezing: selection, inTrainingMode: true)
      return try session.run(program, feeding: feeds)
    }
    let whole = try run([])
    for subset in [0b00001, 0b10110, 0b01010, 0b11101] {
      let frozen = model.variables.indices.filter { subset >> $0 & 1 == 1 }
      let part = try run(frozen.map { model.variables[$0] })
      for (number, gradient) in gradients.enumerated() {
        if frozen.contains(number) {
          #expect(part.optional(gradient) == nil)
        } else {
          let (a, b) = (part.optional(gradient), whole.optional(gradient))
          #expect(try (a == nil) == (b == nil) && (a == nil || isSame(#require(a), #require(b))))
        }
      }
    }
  }

  // MARK: Training

  /// A step of training against the update written out on the plain evaluation.
  @Test(arguments: seeds.prefix(120)) func trainingMovesAlongTheGradient(_ seed: Int) throws {
    let model = try model(seed)
    let training = CompilationRequest.Training(loss: model.loss.value, optimizer: SGD(learningRate: 0.25))
    let request = CompilationRequest(
      graph: model.graph.definition, fetches: model.assignments.map(\.value), training: training)
    let stages = Stages()
    let compilation: Compilation
    do {
      compilation = try Compiler.compile(request, dump: stages)
    } catch {
      #expect(error.code == .noGradient, "\(error)")
      return
    }
    let before = try #require(stages.expanded)
    let expected = try plain(before, model)
    let session = try Session(model.graph, threads: 1)
    let program = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.25), fetching: model.assignments)
    var after: [String: [Double]] = [:]
    for (position, node) in before.nodes.enumerated() {
      guard case .writes(let name) = node.op.effect else { continue }
      let value = try #require(expected[Value(position)]).doubles
      guard let rows = node.op.writtenRows else {
        after[name] = value
        continue
      }
      // The others stay.
      var all = try after[name] ?? session.value(of: name).doubles
      let named = try node.inputs.dropFirst().first.map { try #require(expected[$0]).doubles.map { Int($0) } }
      let indices = named ?? Array(rows)
      let width = indices.isEmpty ? 0 : value.count / indices.count
      for (place, row) in indices.enumerated() where rows.contains(row) {
        all.replaceSubrange(row * width..<(row + 1) * width, with: value[place * width..<(place + 1) * width])
      }
      after[name] = all
    }
    try session.run(program, feeding: feeds(model))
    let hasLoops = before.nodes.contains { $0.op.asBodyOp != nil }
    #expect(program.graph.text == compilation.graph.text)
    for (name, expected) in after {
      let value = try session.value(of: name).doubles
      #expect(value.count == expected.count, "\(name)")
      // But for sums over steps, as above; to the bit where there are none.
      let scale = hasLoops ? max(1, expected.filter(\.isFinite).map(abs).max() ?? 0) : 0
      #expect(
        zip(value, expected).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN || abs($0 - $1) <= 1e-12 * scale },
        "\(name)")
    }
    #expect(Set(after.keys).isSuperset(of: compilation.trained))
  }

  // MARK: Workers

  @Test(arguments: seeds.prefix(120), [DType.f32, .f64])
  func bitsDoNotDependOnHowWorkIsSplit(_ seed: Int, _ dtype: DType) throws {
    let model = try model(seed, dtype)
    let fetches = gradients(model) + model.outputs
    let request = CompilationRequest(
      graph: model.graph.definition, fetches: fetches.map(\.value), isTrainingMode: true)
    let graph = try Compiler.compile(request).whole
    let alone = try execute(graph, model)
    let split = try execute(graph, model, workers: OddPieces())
    for (number, tensor) in fetches.enumerated() {
      #expect(isSame(alone[number], split[number]), "\(tensor)")
    }
  }

  /// A test of shares that are never made would pass.
  @Test func someLoopsAreShared() throws {
    var shared = 0
    for seed in Self.seeds.prefix(120) {
      let model = try model(seed, .f32)
      let fetches = gradients(model) + model.outputs
      let graph = try Compiler.compile(
        CompilationRequest(graph: model.graph.definition, fetches: fetches.map(\.value), isTrainingMode: true)
      ).graph
      let plan = try Plan(
        graph.mapping(.binding(model.binding)), workers: 3,
        sharing: LoopSharing(leastRows: 1, mostBytes: .max))
      if plan.steps.contains(where: { if case .loops(let loops) = $0.work { loops.count > 1 } else { false } }
      ) {
        shared += 1
      }
    }
    #expect(shared >= 20, "\(shared)")
  }

  /// The outputs of a compiled graph.
  private func execute(
    _ graph: GraphDef, _ model: RandomModel, workers: any Workers = WorkerPool(count: 1)
  ) throws -> [NDArray] {
    let plan = try Plan(
      graph.mapping(.binding(model.binding)), workers: workers.count,
      sharing: LoopSharing(leastRows: 1, mostBytes: .max))
    var store = VariableStore(seed: 0)
    try store.add(graph.variables)
    let execution = Execution(plan, workers: workers)
    try execution.bind(to: &store)
    for (port, storage) in zip(plan.feeds, execution.feeds) {
      let feed = try #require(model.feeds.first { $0.tensor.name == port.name })
      feed.array.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { storage.pointer.copyMemory(from: base, byteCount: bytes.count) }
      }
    }
    try execution.run(checksNumerics: false)
    return plan.outputs.map { NDArray($0.type, copying: execution.pointer(to: $0.slot)) }
  }
}

/// Cuts work into pieces of odd sizes, whatever the grain, and runs them out of order as different workers.
final class OddPieces: Workers {
  let count = 3

  func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) {
    var pieces: [Range<Int>] = []
    var start = 0
    while start < count {
      let end = min(count, start + [1, 5, 2, 11, 3][pieces.count % 5])
      pieces.append(start..<end)
      start = end
    }
    for (index, piece) in pieces.enumerated().reversed() { body(piece, index % self.count) }
  }
}

/// The stages of a compilation, kept.
final class Stages: StageDump {
  private(set) var all: [(name: String, graph: GraphDef)] = []

  func stage(_ name: String, _ graph: GraphDef, at position: Int) { all.append((name, graph)) }

  /// After all expansion, before anything is made better.
  var expanded: GraphDef? {
    all.prefix { stage in
      !Compiler.pipeline.drop { $0.name != "simplify" }.dropLast().contains { $0.name == stage.name }
    }.last?.graph
  }
}
