import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// A frozen scope runs in inference mode.
extension FreezingRuleTests {
  /// Dropout in `encoder`, in the body of its loop, in a layer called only inside that loop, and in `head`.
  private struct Dropping {
    let graph = Graph()
    let hidden: Tensor
    let output: Tensor
    let loss: Tensor
    let feeds: Feeds

    init() throws {
      let x = graph.placeholder("x", shape: ["time", "batch", 4])
      let graph = graph
      let hidden = graph.scope("encoder") {
        let lower = Dropout(0.5)(Dense(4, activation: .tanh)(x))
        let start = graph.constant(0).broadcast(to: lower.shape.removing([0]))
        return scan(over: [lower], initial: [start]) { step in
          let fed = Dense(4, name: "cell")(step.slices[0])
          return ScanResult(carries: [tanh(step.carries[0] + dropout(fed, rate: 0.5))])
        }.carries[0]
      }
      self.hidden = hidden
      output = Dropout(0.5, name: "drop")(graph.scope("head") { Dropout(0.5)(Dense(3)(hidden)) })
      loss = (output * output).mean()
      feeds = ["x": try noise([3, 5, 4])]
    }
  }

  /// Paths of the dropouts left in a program, forward only.
  func active(_ program: Program) -> [String] {
    program.graph.allNodes().filter { $0.node.mnemonic == "dropout" && $0.node.phase == .forward }.map(\.path)
  }

  @Test func trap21DropoutOfFrozenScopeIsTheIdentity() throws {
    let model = try Dropping()
    let session = try quietSession(model.graph)
    let inference = try session.compile(fetching: [model.hidden, model.output])
    #expect(inference.graph.count("dropout") == 0)
    let calm = try session.run(inference, feeding: model.feeds)

    let partial = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "encoder",
      fetching: [model.hidden, model.output])
    #expect(active(partial) == ["head/dropout/dropout", "drop/dropout"])
    let results = try session.run(partial, feeding: model.feeds)
    #expect(try results[model.hidden].isBitwiseEqual(to: calm[model.hidden]))
    #expect(try !results[model.output].isBitwiseEqual(to: calm[model.output]))

    let whole = try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1))
    #expect(active(whole).count == 4)
  }

  @Test func rule04FrozenHeadStopsDroppingAndEncoderGoesOn() throws {
    let model = try Dropping()
    let session = try quietSession(model.graph)
    let program = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "head")
    // What stands outside every frozen scope stays in training mode.
    #expect(
      active(program) == ["encoder/dropout/dropout", "encoder/scan/dropout", "drop/dropout"])
  }

  /// One trainable variable is enough for a scope not to be frozen.
  @Test func rule04PartlyFrozenScopeTrains() throws {
    let model = try Dropping()
    let session = try quietSession(model.graph)
    let program = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "encoder/**/kernel | head/**/kernel")
    #expect(active(program).count == 4)
  }

  @Test func rule04KeepingTrainingModeOptsOut() throws {
    let model = try Dropping()
    let session = try quietSession(model.graph)
    func compiled(_ kept: Selection?) throws -> Program {
      try session.compile(
        minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "encoder", keepingTrainingMode: kept,
        fetching: [model.hidden])
    }
    #expect(try active(compiled("encoder")).count == 4)
    #expect(try active(compiled("encoder/scan | encoder/dropout")).count == 4)
    #expect(
      try active(compiled("encoder/scan")) == [
        "encoder/scan/dropout", "head/dropout/dropout", "drop/dropout",
      ])
    let calm = try session.run(session.compile(fetching: [model.hidden]), feeding: model.feeds)
    let kept = try session.run(compiled("encoder"), feeding: model.feeds)
    #expect(try !kept[model.hidden].isBitwiseEqual(to: calm[model.hidden]))
    let fault = try error { _ = try compiled("encodr") }
    #expect(fault.code == .invalidSelection)
    #expect(fault.remedy?.contains("encoder") == true, "\(fault)")
  }

  /// A scope opened inside a loop's body is the scope its variables are in.
  @Test func rule04ScopeOpenedInsideALoopIsFrozenToo() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["time", "batch", 4])
    let zeros = graph.constant(0).broadcast(to: ["batch", 4])
    let layer = Dense(4, name: "cell")
    let drop = Dropout(0.5, name: "cell/drop")
    let hidden = scan(over: [x], initial: [zeros]) { step in
      ScanResult(carries: [step.carries[0] + drop(layer(step.slices[0]))])
    }.carries[0]
    #expect(graph.variables.map(\.name) == ["cell/kernel", "cell/bias"])
    let loss = (Dense(2, name: "head")(drop(layer(hidden)))).mean()
    let session = try quietSession(graph)
    let frozen = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1), freezing: "cell")
    #expect(frozen.graph.count("dropout") == 0)
    let whole = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1))
    #expect(active(whole).count == 2)
  }

  /// A frozen loop in inference mode still passes gradients to what is below it.
  @Test func rule04InferenceModePassesGradients() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let below = Dense(4, name: "below")(x)
    let hidden = graph.scope("encoder") { Dropout(0.5)(LSTM(5)(below)) }
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: hidden.mean(), with: SGD(learningRate: 0.1), freezing: "encoder")
    #expect(program.trained.map(\.name) == ["below/kernel", "below/bias"])
    let before = try session.value(of: "below/kernel")
    try session.run(program, feeding: [x: try noise([2, 3, 3])])
    #expect(try !session.value(of: "below/kernel").isBitwiseEqual(to: before))
  }

  /// Layers made inside the bodies of two loops get variables of their own.
  @Test func rule04LayersInsideLoopsHaveTheirOwnScopes() throws {
    let graph = Graph()
    var x = graph.placeholder("x", shape: ["time", 4])
    x = Dense(4)(x)
    for _ in 0..<2 {
      x =
        scan(over: [x], initial: []) { step in
          ScanResult(carries: [], outputs: [Dense(4)(step.slices[0].reshaped(to: [1, 4])).reshaped(to: [4])])
        }.outputs[0]
    }
    x = Dense(4)(x)
    try graph.validate()
    #expect(
      graph.variables.map(\.name).filter { $0.hasSuffix("kernel") } == [
        "dense/kernel", "dense_1/kernel", "dense_2/kernel", "dense_3/kernel",
      ])
  }
}

/// The same by hand: what a body asks of the graph around it is made in the body.
extension FreezingRuleTests {
  @Test func rule04ScopeOpenedByHandInsideALoop() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["time", "batch", 4])
    let zeros = graph.constant(0).broadcast(to: ["batch", 4])
    let hidden = graph.scope("model") {
      scan(over: [x], initial: [zeros]) { step in
        graph.scope("cell", trainable: false) {
          let w = graph.variable("w", shape: [4, 4], trainable: true)
          let fed = graph.scope("inner") { dropout(matmul(step.slices[0], w), rate: 0.5) }
          return ScanResult(carries: [step.carries[0] + fed])
        }
      }.carries[0]
    }
    #expect(graph.variables.map(\.name) == ["model/cell/w"])
    #expect(graph.variables.map(\.isTrainable) == [false])
    #expect(graph.tensor(named: "model/cell/w")?.variable?.name == "model/cell/w")
    let loss = Dense(2, name: "head")(hidden).mean()
    let session = try quietSession(graph)
    let frozen = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1))
    #expect(frozen.graph.count("dropout") == 0)
    let whole = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1), thawing: "model/cell")
    #expect(active(whole) == ["model/scan/cell/inner/dropout"])
    let status = try #require(whole.status.variables.first { $0.name == "model/cell/w" })
    #expect(status.readers == ["model"], "the loop reads it")
  }

  /// Layers called in a body on values from outside it, and sharing there by `reuse`.
  @Test func rule04LayersOfOuterValuesInsideALoop() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["time", 4])
    let y = graph.placeholder("y", shape: [1, 4])
    let layer = Dense(4, name: "shared")
    let output = graph.scope("model") {
      scan(over: [x], initial: []) { step in
        let constant = Dropout(0.5)(layer(y))
        let again = graph.scope("tied") { graph.variable("w", shape: [4]) }
        let other = graph.scope("tied", reuse: true) { graph.variable("w", shape: [4]) }
        #expect(again == other)
        return ScanResult(carries: [], outputs: [step.slices[0] + constant.sum(axes: [0]) * again])
      }.outputs[0]
    }
    let loss = layer(output).mean()
    try graph.validate()
    #expect(graph.variables.map(\.name) == ["model/shared/kernel", "model/shared/bias", "model/tied/w"])
    #expect(graph.tensor(named: "model/shared/matmul") != nil)
    #expect(graph.tensor(named: "model/shared/matmul_1") != nil)
    let session = try quietSession(graph)
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1), freezing: "model/tied")
    #expect(active(program) == ["model/scan/dropout/dropout"])
    try session.run(program, feeding: [x: noise([3, 4]), y: noise([1, 4])])
    let frozen = try session.compile(
      fetching: [loss], freezing: "model", inTrainingMode: true)
    #expect(active(frozen).isEmpty)
  }
}
