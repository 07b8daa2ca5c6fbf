import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Selections, tied variables, missing gradients, saving, and random frozen variables: rules 7 to 11.
extension FreezingRuleTests {
  // MARK: Rule 7

  /// Scopes whose names begin alike, made in an order that is not the alphabet's.
  private struct Alike {
    let graph = Graph()
    let loss: Tensor

    init() {
      var x = graph.placeholder("x", shape: ["batch", 3])
      for name in ["encoder2", "enc", "encoder", "decoder"] { x = Dense(3, name: name)(x) }
      loss = x.mean()
    }

    func frozen(_ selection: Selection) throws -> [String] {
      let program = try quietSession(graph).compile(
        minimizing: loss, with: SGD(learningRate: 0.1), freezing: selection)
      return program.frozen.map(\.name)
    }
  }

  @Test func rule07SelectionsMatchWholeComponentsInCreationOrder() throws {
    let model = Alike()
    #expect(try model.frozen("enc") == ["enc/kernel", "enc/bias"])
    #expect(try model.frozen("encoder") == ["encoder/kernel", "encoder/bias"])
    #expect(try model.frozen("encoder/kernel") == ["encoder/kernel"])
    let both = ["encoder2/kernel", "encoder2/bias", "encoder/kernel", "encoder/bias"]
    #expect(try model.frozen("encoder | encoder2") == both)
    #expect(try model.frozen("encoder* & !enc") == both)
    #expect(try model.frozen("*/bias") == ["encoder2/bias", "enc/bias", "encoder/bias", "decoder/bias"])
    #expect(try model.frozen("**/kernel & !decoder") == ["encoder2/kernel", "enc/kernel", "encoder/kernel"])
    #expect(try model.frozen("role(bias) & en*") == ["encoder2/bias", "enc/bias", "encoder/bias"])
  }

  @Test(arguments: [
    ("encodr", "encoder"), ("enc/kernle", "enc/kernel"), ("encoder | decodr", "decoder"), ("!ecn", "enc"),
    ("role(bais)", "bias"), ("coder", "encoder"),
  ])
  func rule07NoMatchIsAnErrorThatNamesTheNearest(_ text: String, _ nearest: String) throws {
    let fault = try error { _ = try Alike().frozen(Selection(text)) }
    #expect(fault.code == .invalidSelection)
    #expect(fault.remedy?.contains(nearest) == true, "\(fault)")
    let thawing = try error {
      let model = Alike()
      _ = try quietSession(model.graph).compile(
        minimizing: model.loss, with: SGD(learningRate: 0.1), thawing: Selection(text))
    }
    #expect(thawing == fault)
  }

  // MARK: Rule 8

  /// One table read by an embedding and by the output layer.
  private struct Tied {
    let graph = Graph()
    let table: Tensor
    let loss: Tensor
    let ids: Tensor

    init(cutting side: String? = nil) {
      let graph = graph
      ids = graph.placeholder("ids", shape: ["batch"], dtype: .i32)
      let ids = ids
      let table = graph.scope("shared") {
        graph.variable("table", shape: [5, 4], dtype: .f64, role: "table")
      }
      self.table = table
      let embedded = graph.scope("embed") {
        gather(side == "embed" ? stopGradient(table) : table, indices: ids)
      }
      let hidden = Dense(4, activation: .tanh, name: "hidden")(embedded)
      let logits = graph.scope("output") {
        matmul(hidden, side == "output" ? stopGradient(table) : table, transposeB: true)
      }
      loss = sparseSoftmaxCrossEntropy(logits: logits, labels: ids).mean()
    }

    var feeds: Feeds { [ids: labels(7, classes: 5)] }
  }

  @Test func rule08TiedVariableIsOneState() throws {
    let model = Tied()
    let session = try quietSession(model.graph)
    let whole = try session.compile(minimizing: model.loss, with: Adam())
    let status = try #require(whole.status.variables.first { $0.name == "shared/table" })
    #expect(status.readers == ["embed", "output"])
    #expect(status.status == .trained)
    #expect(session.variables.map(\.name).filter { $0.hasPrefix("shared/table") }.count == 1 + 3)
    let writes = whole.graph.nodes.filter { $0.op.effect == .writes("shared/table") }
    #expect(writes.count == 1)

    // Frozen once, frozen in both uses.
    let before = try session.value(of: "shared/table")
    let partial = try session.compile(minimizing: model.loss, with: Adam(), freezing: "shared")
    try session.run(partial, feeding: model.feeds)
    #expect(try session.value(of: "shared/table") == before)
    #expect(partial.graph.count("scatter_add") == 0)
    #expect(partial.trained.map(\.name) == ["hidden/kernel", "hidden/bias"])
    // The scopes that read it hold nothing of their own to freeze.
    #expect(
      try error { _ = try session.compile(fetching: [model.loss], freezing: "embed") }.code
        == .invalidSelection)
  }

  @Test func rule08GradientOfATiedVariableSumsOverItsUses() throws {
    func gradient(cutting side: String?) throws -> [Double] {
      let model = Tied(cutting: side)
      let gradient = model.graph.gradients(of: [model.loss], withRespectTo: [model.table])
      let session = try quietSession(model.graph)
      return try session.run(session.compile(fetching: gradient), feeding: model.feeds)[gradient[0]].doubles
    }
    let whole = try gradient(cutting: nil)
    let parts = zip(try gradient(cutting: "embed"), try gradient(cutting: "output"))
    for (sum, (a, b)) in zip(whole, parts) { #expect(abs(sum - (a + b)) <= 1e-14) }
    #expect(try gradient(cutting: "embed") != whole)
  }

  /// Sharing by name is sharing state, so it cannot be declared twice in two ways.
  @Test func rule08SharedVariableIsDeclaredOnce() throws {
    let graph = Graph()
    let first = graph.scope("a") { graph.variable("w", shape: [2], role: "kernel") }
    let again = graph.scope("a", reuse: true) { graph.variable("w", shape: [2], role: "kernel") }
    #expect(first == again)
    try graph.validate()
    _ = graph.scope("a", trainable: false, reuse: true) { graph.variable("w", shape: [2]) }
    let fault = try error { try graph.validate() }
    #expect(fault.message.contains("`a/w` is shared as frozen but declared trainable"), "\(fault)")

    let other = Graph()
    _ = other.scope("a") { other.variable("w", shape: [2], role: "kernel") }
    _ = other.scope("a", reuse: true) { other.variable("w", shape: [2], role: "bias") }
    #expect(try error { try other.validate() }.message.contains("role `bias`"))
  }

  // MARK: Rule 9

  @Test func rule09ErrorNamesTheCuttingNodeOrRule() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [])
    let v = graph.scope("base", trainable: false) { graph.variable("v", shape: []) }
    let u = graph.variable("u", shape: [])
    let apart = graph.variable("apart", shape: [])
    let stopped = graph.scope("gate") { stopGradient(w * 2) }
    let counted = argument(u)
    let loss = stopped + v * v + counted
    let session = try quietSession(graph)
    func message(_ target: Tensor, _ freezing: Selection? = nil) throws -> String {
      let gradient = graph.gradients(of: [loss], withRespectTo: [target])[0]
      let fault = try error { _ = try session.compile(fetching: [gradient], freezing: freezing) }
      #expect(fault.code == .noGradient)
      #expect(fault.message.contains("`\(target.name)`"))
      #expect(fault.remedy?.contains(".zero") == true)
      #expect(fault.location != nil)
      return fault.message
    }
    #expect(try message(w).contains("cut by stop_gradient `gate/stop_gradient`"))
    #expect(try message(w, "w").contains("`freezing: w`"))
    #expect(try message(v).contains("`trainable: false`"))
    #expect(try message(u).hasSuffix("every path is cut by argmax `argmax`"))
    #expect(try message(apart).hasSuffix("no node of the graph reads it"))
  }

  /// A number that depends on `x` by way of an index.
  private func argument(_ x: Tensor) -> Tensor {
    stack([x, x * 2]).argmax(axis: 0).cast(to: .f32)
  }

  @Test func rule09TrainingNothingSaysWhy() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [])
    let session = try quietSession(graph)
    let cut = try error {
      _ = try session.compile(minimizing: stopGradient(w), with: SGD(learningRate: 0.1))
    }
    #expect(cut.code == .noGradient)
    #expect(
      cut.causes.map(\.message) == ["`w`: every path is cut by stop_gradient `stop_gradient`"], "\(cut)")
    let frozen = try error {
      _ = try session.compile(minimizing: w * w, with: SGD(learningRate: 0.1), freezing: "w")
    }
    #expect(frozen.remedy?.contains("`freezing: w`") == true, "\(frozen)")
  }

  @Test func rule09ZeroGivesZerosAndNoneIsAbsent() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [2, 3])
    let v = graph.variable("v", shape: [3])
    let loss = (stopGradient(w) * v).sum()
    let zero = graph.gradients(of: [loss], withRespectTo: [w, v], unconnected: .zero)
    let none = graph.gradients(of: [loss], withRespectTo: [w, v], unconnected: .none)
    let session = try quietSession(graph)
    for freezing in [nil, "v"] as [Selection?] {
      let results = try session.run(session.compile(fetching: zero + none, freezing: freezing))
      #expect(try results[zero[0]] == NDArray(zeros: [2, 3]))
      #expect(results.optional(none[0]) == nil)
      let fault = try error { _ = try results[none[0]] }
      #expect(fault.code == .noGradient)
      #expect(fault.message.contains("`gradients_1`"), "\(fault)")
      if freezing == nil {
        #expect(try results[zero[1]] == results[none[1]])
      } else {
        #expect(try results[zero[1]] == NDArray(zeros: [3]))
        #expect(results.optional(none[1]) == nil)
      }
    }
    let computed = none[0] + 1
    let fault = try error { _ = try session.compile(fetching: [computed]) }
    #expect(fault.code == .noGradient)
    #expect(fault.message.contains("computes with a gradient that does not exist"), "\(fault)")
    #expect(fault.remedy?.contains(".zero") == true)
    // A second request computes with it too, whichever operand it is and whatever it would take for itself.
    for unconnected in [Unconnected.error, .zero, .none] {
      for again in [
        graph.gradients(of: [none[0]], withRespectTo: [w], unconnected: unconnected),
        graph.gradients(of: [w * 2], withRespectTo: [w], seeds: [none[0]], unconnected: unconnected),
        graph.gradients(of: [w * 2], withRespectTo: [none[0]], unconnected: unconnected),
      ] {
        let fault = try error { _ = try session.compile(fetching: [again[0]]) }
        #expect(fault.message.contains("computes with a gradient that does not exist"), "\(fault)")
      }
    }
  }

  /// A derivative that is zero everywhere is a derivative, inside a loop as outside.
  @Test func rule09ZeroDerivativeIsNoMissingGradient() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [3])
    let outside = floor(w).sum()
    let inside = scan(over: [w], initial: [graph.constant(0)]) { step in
      ScanResult(carries: [step.carries[0] + floor(step.slices[0])])
    }.carries[0]
    let gradients = [outside, inside].map { graph.gradients(of: [$0], withRespectTo: [w])[0] }
    let session = try quietSession(graph)
    let results = try session.run(session.compile(fetching: gradients))
    for gradient in gradients { #expect(try results[gradient] == NDArray(zeros: [3])) }
  }

  // MARK: Rules 10 and 11

  @Test func rule10SavingDoesNotDependOnWhatIsFrozen() throws {
    let model = try NestedModel()
    let session = try quietSession(model.graph)
    let text = model.graph.definition.text
    let first = try session.snapshot()
    #expect(first.values.map(\.name) == model.graph.variables.map(\.name))
    for selection in [nil, "encoder", "head | tied", "role(kernel)"] as [Selection?] {
      _ = try session.compile(minimizing: model.loss, with: Adam(), freezing: selection)
      #expect(try session.snapshot() == first, "compiling changes nothing that is saved")
      #expect(model.graph.definition.text == text)
    }
    // Declared frozen or not: the same names, order and bytes.
    func snapshot(_ trainable: Bool) throws -> Snapshot {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 3])
      let lower = graph.scope("lower", trainable: trainable) { Dense(4)(x) }
      let loss = Dense(2, name: "upper")(lower).mean()
      let session = try quietSession(graph)
      _ = try session.compile(minimizing: loss, with: Adam())
      return try session.snapshot()
    }
    #expect(try snapshot(true) == snapshot(false))
  }

  @Test func rule11FrozenRandomVariableIsWarnedOf() throws {
    let model = try Chain()
    let session = try Session(model.graph)
    var heard: [String] = []
    session.onWarning = { heard.append($0) }
    func warnings() throws -> [String] {
      try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "lower").warnings
    }
    let first = try warnings()
    #expect(first.count == 1)
    #expect(first.first?.contains("`lower/kernel`, `lower/bias`") == true)
    #expect(heard == first)
    try session.setValue(try NDArray(zeros: [3, 4]), of: "lower/kernel")
    #expect(try warnings().first?.contains("`lower/bias`") == true)
    #expect(try warnings().first?.contains("`lower/kernel`") == false)
    let whole = try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1))
    #expect(whole.warnings.isEmpty)
    try session.run(whole, feeding: model.feeds)
    #expect(try warnings().isEmpty, "trained is not random")
  }
}
