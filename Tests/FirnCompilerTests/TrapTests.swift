import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTraining
import Testing

/// The rows of `Docs/Traps.md` that graphs, compiling and questions decide.
@Suite struct TrapTests {
  private struct Model {
    let graph = Graph()
    let loss: Tensor

    init(lstm: Bool = false, cut: (Tensor) -> Tensor = { $0 }) {
      let x = graph.placeholder("x", shape: ["batch", "time", 3])
      let lower = Dense(4, activation: .tanh, name: "lower")(x)
      let middle = lstm ? LSTM(5, name: "middle")(lower) : Dense(5, activation: .tanh, name: "middle")(lower)
      loss = Dense(2, name: "upper")(cut(middle)).mean()
    }

    func request(_ freezing: Selection? = nil, thawing: Selection? = nil) -> CompilationRequest {
      CompilationRequest(
        graph: graph.definition, fetches: [], training: .init(loss: loss.value, optimizer: Adam()),
        freezing: freezing, thawing: thawing)
    }

    func explanation(_ freezing: Selection? = nil) throws -> Explanation {
      try Explanation(request(freezing))
    }
  }

  private let lower = ["lower/kernel", "lower/bias"]
  private let middle = ["middle/kernel", "middle/bias"]
  private let upper = ["upper/kernel", "upper/bias"]

  /// Nothing of one compilation is left to the next.
  @Test func trap03FreezingIsAnArgumentOfCompiling() throws {
    let model = Model()
    #expect(try Compiler.compile(model.request("lower")).trained == middle + upper)
    #expect(try Compiler.compile(model.request("upper")).trained == lower + middle)
    #expect(try Compiler.compile(model.request()).trained == lower + middle + upper)
  }

  /// Who decided stands in the status.
  @Test func trap05OneSelectionDecidesAndIsPrinted() throws {
    let model = Model()
    let explanation = try Explanation(model.request("lower | middle", thawing: "middle/bias"))
    let reasons = Dictionary(
      explanation.status.variables.map { ($0.name, $0.reason) }, uniquingKeysWith: { first, _ in first })
    #expect(reasons["lower/kernel"]?.contains("`freezing: lower | middle`") == true)
    #expect(reasons["middle/bias"]?.contains("`thawing: middle/bias`") == true)
  }

  /// Freezing a layer above a trained one frees its gradient and slots only; `pin` says who holds the rest.
  @Test func trap09CostNamesWhatPinsKeptBytes() throws {
    let model = Model()
    let whole = try model.explanation().cost()
    let upperFrozen = try model.explanation("upper").cost()
    #expect(upperFrozen.unfrozen == whole.total)
    let pins = try model.explanation("lower").pins()
    #expect(pins.map(\.variable) == middle + upper)
    let pin = try #require(pins.first)
    let frozen = try model.explanation("lower | middle/kernel").cost()
    #expect(try model.explanation("lower").cost().total - pin.saved == frozen.total)
    #expect(!pin.kept.isEmpty, "the kernel alone reads the lower layer's output back")
  }

  @Test func trap10GradientsPassThroughAFrozenLoop() throws {
    let model = Model(lstm: true)
    let compilation = try Compiler.compile(model.request("middle | upper"))
    #expect(compilation.trained == lower)
    #expect(compilation.graph.nodes.contains { $0.mnemonic == "scan" && $0.phase == .backward })
    #expect(try model.explanation("middle | upper").why("lower/kernel").connection?.verdict == .connected)
  }

  @Test func trap13TiedVariableListsEveryReader() throws {
    let graph = Graph()
    let ids = graph.placeholder("ids", shape: ["batch"], dtype: .i32)
    let table = graph.scope("shared") { graph.variable("table", shape: [5, 4]) }
    let embedded = graph.scope("embed") { gather(table, indices: ids) * graph.variable("scale", shape: [4]) }
    let logits = graph.scope("output") { matmul(embedded, table, transposeB: true) }
    let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: ids).mean()
    let explanation = try Explanation(
      graph: graph.definition, loss: loss.value, freezing: "shared", thawing: "shared")
    #expect(explanation.status.variables.first?.readers == ["embed", "output"])
    #expect(explanation.lint().map(\.code) == [.tiedAndSplit])
  }

  @Test func trap16FrozenAndRandomIsNamed() throws {
    let findings = try Model().explanation("lower").lint(loaded: ["lower/bias"])
    #expect(findings.map(\.code) == [.frozenAndRandom])
    #expect(findings.first?.subjects == ["lower/kernel"])
  }

  @Test func trap19MissingGradientNamesTheCut() throws {
    let model = Model { stopGradient($0) }
    let why = try model.explanation().why("middle/kernel")
    #expect(why.status == .cutOff && why.reason.contains("stop_gradient"))
    #expect(why.connection?.cuts.map(\.kind) == [.stopGradient])

    let kernel = try #require(model.graph.tensor(named: "middle/kernel"))
    let gradient = model.graph.gradients(of: [model.loss], withRespectTo: [kernel])[0]
    let fault = try #require(throws: FirnError.self) {
      _ = try Compiler.compile(CompilationRequest(graph: model.graph.definition, fetches: [gradient.value]))
    }
    #expect(fault.code == .noGradient && fault.message.contains("`stop_gradient`"))
  }

  @Test func trap20MisplacedStopsAreFound() throws {
    func codes(_ freezing: Selection?, _ cut: (Tensor) -> Tensor) throws -> [Finding.Code] {
      try Model(cut: cut).explanation(freezing).lint().map(\.code)
    }
    #expect(try codes("lower") { stopGradient($0) } == [.starved, .starved])
    #expect(try codes("lower | middle") { stopGradient($0) } == [.stopWithoutEffect])
    #expect(try codes("lower", { stopGradient(stopGradient($0)) }).last == .stopBehindStop)
    #expect(try codes(nil) { stopGradient($0) }.last == .stopBeyondItsScope)
  }

  /// Two words, what trains and how dropout behaves: each can be had without the other, and `status` has both.
  @Test(
    arguments: [
      (nil, nil, true, [true, true], [.training, .training]),
      ("lower", nil, true, [false, true], [.inference, .training]),
      // Frozen, but in training mode.
      ("lower", "lower", true, [false, true], [.training, .training]),
      // In inference mode, but trained.
      (nil, nil, false, [true, true], [.inference, .inference]),
    ] as [(Selection?, Selection?, Bool, [Bool], [StatusReport.ScopeEntry.Mode])])
  func trap22FreezingIsNotInferenceMode(
    _ freezing: Selection?, _ keeping: Selection?, _ isTrainingMode: Bool, _ trained: [Bool],
    _ modes: [StatusReport.ScopeEntry.Mode]
  ) throws {
    let graph = Graph()
    var value = graph.placeholder("x", shape: ["batch", 3])
    for scope in ["lower", "upper"] {
      value = graph.scope(scope) { dropout(value * graph.variable("scale", shape: [3]), rate: 0.5) }
    }
    var request = CompilationRequest(
      graph: graph.definition, fetches: [],
      training: .init(loss: value.mean().value, optimizer: SGD(learningRate: 0.1)), freezing: freezing,
      keepingTrainingMode: keeping)
    request.graph = graph.definition
    request.isTrainingMode = isTrainingMode
    let scopes = try Explanation(request).status.scopes
    #expect(scopes.map(\.path) == ["lower", "upper"] && scopes.map(\.mode) == modes)
    #expect(scopes.map { $0.status == .trained } == trained)
    // What is compiled is what the two words say.
    let compilation = try Compiler.compile(request)
    #expect(compilation.trained == zip(scopes, trained).filter(\.1).map { $0.0.path + "/scale" })
    let drops = Set(
      compilation.graph.nodes.filter { $0.mnemonic == "dropout" && $0.phase == .forward }.map(\.scope))
    #expect(drops == Set(zip(scopes, modes).filter { $0.1 == .training }.map(\.0.path)))
    // Freezing does not stop gradients; inference mode does not either.
    #expect(try Explanation(request).why("lower/scale").connection?.verdict == .connected)
  }

  @Test func trap23FrozenGradientsAreNeverBuilt() throws {
    let model = Model()
    let compiled = try Compiler.compile(model.request("lower | middle")).graph
    #expect(
      !compiled.nodes.contains {
        $0.phase != .forward && ($0.name.contains("lower") || $0.name.contains("middle"))
      })
    let cost = try model.explanation("lower | middle").cost()
    let whole = try #require(cost.unfrozen?.bound(by: ["batch": 7, "time": 2]))
    let partial = cost.total.bound(by: ["batch": 7, "time": 2])
    #expect(try #require(partial.backwardFLOPs.value) < (try #require(whole.backwardFLOPs.value)))
  }

  /// `low` is a prefix of `lower` and must not name it, whichever way it is written.
  @Test(arguments: [
    ("low", "lower"), ("uper", "upper"), ("low/*", "lower"), ("lower/kern", "lower/kernel"),
    ("**/ker", "kernel"),
    ("kernel", "kernel"),
  ])
  func trap24SelectorThatMatchesNothingIsAnError(_ text: String, _ nearest: String) throws {
    let fault = try #require(throws: FirnError.self) { _ = try Model().explanation(Selection(text)) }
    #expect(fault.code == .invalidSelection && fault.remedy?.contains(nearest) == true)
  }

  /// Nor does a scope name one that it begins.
  @Test(arguments: ["enc", "enc/*", "enc/**", "enc | enc/w", "**/enc/w"] as [Selection])
  func trap24SelectorTakesWholeComponents(_ selection: Selection) throws {
    let graph = Graph()
    for scope in ["enc", "encoder2", "my_enc"] { graph.scope(scope) { _ = graph.variable("w", shape: []) } }
    #expect(try selection.resolve(in: graph.variables).map(\.name) == ["enc/w"])
  }

  /// Frozen, frozen in part, cut off, and after another selection: the count is of what the program updates.
  @Test(
    arguments: [false, true], [nil, "lower", "lower | upper/bias", "upper/kernel[0..<3]"] as [Selection?])
  func trap26CountsComeFromTheCompiledProgram(_ isCut: Bool, _ freezing: Selection?) throws {
    let model = Model { isCut ? stopGradient($0) : $0 }
    let parts = try Compiler.compile(model.request(freezing)).trainedParts
    let counted = parts.reduce(0) { $0 + ($1.type.shape.extents ?? []).reduce(1, *) }
    let scopes = try model.explanation(freezing).status.scopes
    #expect(scopes.reduce(0) { $0 + $1.trainedCount } == counted)
    #expect(counted > 0)
  }

  @Test func trap27OneArgument() throws {
    #expect(try Model().explanation("lower").status.scopes.map(\.status) == [.frozen, .trained, .trained])
  }
}
