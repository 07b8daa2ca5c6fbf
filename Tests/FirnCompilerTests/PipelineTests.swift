import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTestSupport
import FirnTraining
import Synchronization
import Testing

/// The passes together.
@Suite struct PipelineTests {
  private func model() throws -> CompilationRequest {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 2])
    let y = graph.placeholder("y", shape: ["batch", 3])
    let h = graph.scope("encoder") { LSTM(2)(x) }
    let loss = meanSquaredError(Dense(3, name: "head")(dropout(h, rate: 0.5)), y)
    try graph.validate()
    return CompilationRequest(
      graph: graph.definition, fetches: [h.value],
      training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.125, momentum: 0.5)))
  }

  @Test func compilingTwiceGivesTheSameText() throws {
    let texts = try (0..<3).map { _ in try Compiler.compile(model()).graph.text }
    #expect(Set(texts).count == 1)
  }

  @Test(arguments: 0..<60) func randomModelsCompileAlike(_ seed: Int) throws {
    let texts = try (0..<2).map { _ in
      let model = RandomModel(seed: seed)
      let gradients = model.graph.gradients(
        of: [model.loss], withRespectTo: model.variables, unconnected: .zero)
      let request = CompilationRequest(
        graph: model.graph.definition, fetches: (gradients + model.outputs).map(\.value), isTrainingMode: true
      )
      return try Compiler.compile(request).graph.text
    }
    #expect(texts[0] == texts[1])
    let again = try parsed(texts[0])
    #expect(again.text == texts[0])
  }

  /// Small enough to read, large enough to have a loop, its loop back, and every phase.
  @Test func trainingProgramIsAsRecorded() throws {
    try expectGolden("training-program.firn", Compiler.compile(model()).graph.text)
  }

  @Test func historySaysWhatChanged() throws {
    let history = try Compiler.compile(model()).context.history
    #expect(history.map(\.pass) == Compiler.pipeline.map(\.name))
    for (a, b) in zip(history, history.dropFirst()) { #expect(a.nodesAfter == b.nodesBefore) }
    for record in history where !record.isChange { #expect(record.nodesAfter == record.nodesBefore) }
    #expect(history.contains { $0.duration > .zero })
    let names = history.filter(\.isChange).map(\.pass)
    #expect(
      names == [
        "extract-requested", "prune-gradients", "apply-optimizer", "expand-gradients", "simplify",
        "common-subexpressions", "batch-steps", "sum-after-loops", "arrange-once", "common-subexpressions",
        "fuse",
      ])
  }

  @Test func nothingIsChangedWithoutNeed() throws {
    let graph = try parsed(header + "%x = placeholder() {dtype = f32, shape = [2]} : f32[2]\nreturn %x")
    let compilation = try Compiler.compile(CompilationRequest(graph: graph, fetches: graph.outputs))
    #expect(compilation.context.history.allSatisfy { !$0.isChange })
    #expect(compilation.graph == graph)
  }

  private final class Counter: Sendable {
    private let runs = Mutex(0)
    var count: Int { runs.withLock { $0 } }
    func add() { runs.withLock { $0 += 1 } }
  }

  /// A pass that changes nothing, twice on one graph and once more when that has changed.
  @Test(arguments: [(true, 2), (false, 3)])
  func whatIsIdempotentRunsOnceOnOneGraph(_ isIdempotent: Bool, _ runs: Int) throws {
    let graph = try parsed(
      header + "%x = placeholder() {dtype = f32, shape = [2]} : f32[2]\n%y = tanh(%x) : f32[2]\nreturn %x")
    let counter = Counter()
    let asked = Pass("asked", isIdempotent: isIdempotent) { graph, _ throws(FirnError) in
      counter.add()
      return graph
    }
    let compilation = try Compiler.compile(
      CompilationRequest(graph: graph, fetches: graph.outputs),
      pipeline: [asked, asked, Compiler.deadCode, asked])
    #expect(counter.count == runs)
    #expect(compilation.context.history.map(\.isChange) == [false, false, true, false])
    #expect(compilation.graph.nodes.count == 1)
  }

  /// Those of the pipeline that say so are.
  @Test func whatSaysSoIsIdempotent() throws {
    let passes = Compiler.pipeline.filter(\.isIdempotent)
    #expect(Set(passes.map(\.name)) == ["expand-gradients", "common-subexpressions"])
    let graph = try Compiler.compile(model()).graph
    var context = try CompilationContext(CompilationRequest(graph: graph, fetches: []))
    for pass in passes {
      let once = try pass.run(graph, &context)
      #expect(try pass.run(once, &context) == once)
    }
  }

  // MARK: Stages

  private final class Recorder: StageDump {
    var stages: [(name: String, position: Int, text: String)] = []

    func stage(_ name: String, _ graph: GraphDef, at position: Int) {
      stages.append((name, position, graph.text))
    }
  }

  @Test func stagesAreDumpedByPosition() throws {
    let recorder = Recorder()
    let compilation = try Compiler.compile(model(), dump: recorder)
    let stages = recorder.stages
    #expect(stages.first?.name == "input" && stages.first?.position == 0)
    #expect(stages.dropFirst().map(\.name) == compilation.context.history.filter(\.isChange).map(\.pass))
    for stage in stages.dropFirst() { #expect(Compiler.pipeline[stage.position - 1].name == stage.name) }
    #expect(zip(stages, stages.dropFirst()).allSatisfy { $0.position < $1.position && $0.text != $1.text })
    for stage in stages where !stage.text.contains("gradients(") { _ = try parsed(stage.text) }
    #expect(stages.last?.text == compilation.graph.text)
  }

  // MARK: Broken passes

  @Test func passesThatBreakAGraphAreNamed() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let broken = Pass("break-things") { graph, _ throws(FirnError) in
        var graph = graph
        graph.nodes.swapAt(0, 1)
        return graph
      }
      let graph = try parsed(
        header + "%x = placeholder() {dtype = f32, shape = [2]} : f32[2]\n%y = exp(%x) : f32[2]\nreturn %y")
      _ = try Compiler.compile(
        CompilationRequest(graph: graph, fetches: graph.outputs),
        pipeline: [Compiler.extractRequested, broken])
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("Firn bug in break-things"), "\(text)")
    #expect(text.contains("V1"))
    #expect(text.contains("  node 0: %y = exp(%y) : f32[2]"), "\(text)")
  }

  /// Large graphs are verified while the next pass runs, and before anything is handed out, be it another fault.
  @Test func passesThatBreakALargeGraphAreNamed() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let broken = Pass("break-things") { graph, _ throws(FirnError) in
        var graph = graph
        graph.nodes.swapAt(4_000, 4_001)
        return graph
      }
      let giving = Pass("give-up") { _, _ throws(FirnError) in
        throw FirnError(.invalidGraph, "the model is to blame", remedy: "none")
      }
      let graph = Graph()
      let x = graph.placeholder("x", shape: [2])
      let y = (0..<5_000).reduce(x) { value, _ in exp(value) }
      _ = try Compiler.compile(
        CompilationRequest(graph: graph.definition, fetches: [y.value]),
        pipeline: [Compiler.extractRequested, broken, giving])
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("Firn bug in break-things") && text.contains("V1"), "\(text)")
    #expect(!text.contains("to blame"))
  }

  // MARK: Leaving passes out

  @Test func optionalPassesAreLeftOutByName() throws {
    let fewer = try Compiler.pipeline(changedBy: "-simplify, -common-subexpressions")
    #expect(fewer.count == Compiler.pipeline.count - 3)
    #expect(!fewer.contains { $0.name == "simplify" || $0.name == "common-subexpressions" })
    #expect(try Compiler.pipeline(changedBy: "").count == Compiler.pipeline.count)
    // Every one of them: the program is another, and still verifies.
    let bare = Compiler.pipeline.filter(\.isRequired)
    let names = Set(Compiler.pipeline.filter { !$0.isRequired }.map(\.name)).sorted()
    let none = try Compiler.pipeline(changedBy: names.map { "-" + $0 }.joined(separator: ","))
    #expect(none.map(\.name) == bare.map(\.name))
    try Compiler.compile(model(), pipeline: none).graph.verify()
  }

  @Test(arguments: [
    ("-simplfy", "did you mean simplify?"), ("simplify", "leaves out no pass"), ("-", "leaves out no pass"),
    ("-prune-gradients", "no program is right without the pass `prune-gradients`"),
  ]) func otherNamesAreErrors(_ text: String, _ part: String) throws {
    let error = #expect(throws: FirnError.self) { try Compiler.pipeline(changedBy: text) }
    #expect(error?.code == .invalidArgument && error?.description.contains(part) == true)
  }

  // MARK: Requests

  @Test func lossesAreScalars() throws {
    let graph = try parsed(header + "%x = placeholder() {dtype = f32, shape = [2]} : f32[2]\nreturn %x")
    let error = #expect(throws: FirnError.self) {
      try Compiler.compile(
        CompilationRequest(
          graph: graph, fetches: [], training: .init(loss: Value(0), optimizer: SGD(learningRate: 1))))
    }
    #expect(error?.code == .notScalar && error?.place == "x")
  }

  @Test func faultyGraphsAreRefusedFirst() throws {
    var graph = try parsed(header + "%x = placeholder() {dtype = f32, shape = [2]} : f32[2]\nreturn %x")
    graph.nodes[0].name = "not a path"
    let error = #expect(throws: FirnError.self) {
      try Compiler.compile(CompilationRequest(graph: graph, fetches: []))
    }
    #expect(error?.constraint == "V2")
  }
}
