import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// What programs, sessions, runs, weights and checkpoints print, and what they print of nothing.
@Suite struct DescriptionTests {
  private let session: Session
  private let x: Tensor
  private let loss: Tensor

  init() throws {
    let graph = Graph()
    x = graph.placeholder("x", shape: ["batch", 3])
    loss = Dense(2, name: "head")(Dense(4, activation: .tanh, name: "encoder")(x)).mean()
    session = try Session(graph, seed: 7, threads: 1)
    session.onWarning = { _ in }
  }

  @Test func programs() throws {
    try session.setValue(try NDArray(zeros: [3, 4]), of: "encoder/kernel")
    let training = try session.compile(minimizing: loss, with: Adam(), freezing: "encoder")
    #expect(
      training.description == """
        training program
          feeds       x : f32[batch,3]
          fetches     reduce_mean
          trained     2 of 4 parameters, 10 of 26 elements
          nodes       13 forward, 7 backward, 83 update
          arithmetic  52 FLOP*batch forward, 18 FLOP*batch + 1 FLOP backward, 138 FLOP update
          slots       88 B
          warning: frozen but never loaded or trained: `encoder/bias`
        """)
    #expect(training.slotReport.description == "[head/kernel: fresh, head/bias: fresh]")
    #expect(
      try session.compile(fetching: ["encoder/tanh"]).description == """
        program
          feeds       x : f32[batch,3]
          fetches     encoder/tanh
          nodes       7 forward
          arithmetic  32 FLOP*batch forward
        """)
    #expect(
      try session.compile(fetching: []).description == """
        program
          feeds       nothing
          fetches     nothing
          nodes       nothing
          arithmetic  nothing
        """)
  }

  @Test func sessions() throws {
    #expect(
      session.description == """
        session
          variables  4 (104 B): 4 at first values
          seed       7
          runs       0
        """)
    try session.setValue(try NDArray(zeros: [3, 4]), of: "encoder/kernel")
    let program = try session.compile(minimizing: loss, with: Adam(), freezing: "encoder")
    try session.run(program, feeding: [x: try NDArray(zeros: [2, 3])])
    #expect(
      session.description == """
        session
          variables  4 (104 B): 1 loaded, 2 trained, 1 at first values
          slots      6 (88 B)
          seed       7
          runs       1
        """)
    #expect(
      try Session(Graph()).description == "session\n  variables  0 (0 B)\n  seed       0\n  runs       0")
  }

  @Test func runs() throws {
    let feeds: Feeds = try [x: NDArray(zeros: [1, 3])]
    #expect(feeds.description == "x: f32[1,3] (0.0, 0.0, 0.0)")
    #expect(Feeds().description == "nothing is fed")
    let kernel = try #require(session.graph.tensor(named: "encoder/kernel"))
    let gradient = session.graph.gradients(of: [loss], withRespectTo: [kernel], unconnected: .none)[0]
    let program = try session.compile(fetching: ["head/bias", gradient], freezing: "encoder")
    #expect(
      try session.run(program, feeding: feeds).description == """
        head/bias: f32[2] (0.0, 0.0)
        \(gradient.name): no gradient
        """)
    #expect(try session.run(session.compile(fetching: [])).description == "nothing was fetched")
  }

  @Test func snapshots() throws {
    let snapshot = try session.snapshot("head | encoder/bias[0..<2]")
    #expect(
      snapshot.description == """
        variable             type      bytes
        -------------------  --------  -----
        encoder/bias[0..<2]  f32[2]      8 B
        head/kernel          f32[4,2]   32 B
        head/bias            f32[2]      8 B
        total 3                         48 B
        """)
    #expect(snapshot.values[0].description == "encoder/bias[0..<2]: f32[2] (0.0, 0.0)")
    #expect(
      Snapshot(values: []).description == """
        variable  type  bytes
        --------  ----  -----
        total 0           0 B
        """)
  }

  @Test func weights() throws {
    var weights = try session.weights("head")
    #expect(
      weights.description == """
        session:
        name         dtype  shape  bytes
        -----------  -----  -----  -----
        head/kernel  f32    [4,2]   32 B
        head/bias    f32    [2]      8 B
        total 2             10      40 B
        """)
    #expect(weights.entries[0].description == "head/kernel : f32[4,2]")
    #expect(
      try session.load(weights, strict: false).rows.map(\.description) == [
        "encoder/kernel: missing", "encoder/bias: missing", "head/kernel: matched, from head/kernel",
        "head/bias: matched, from head/bias",
      ])
    weights = try Weights(
      source: "empty.npz", entries: [], metadata: [.init(key: "model", value: "none")],
      skipped: [.init(name: "words", reason: "text")])
    #expect(
      weights.description == """
        empty.npz:
        name     dtype  shape  bytes
        -------  -----  -----  -----
        total 0         0        0 B

        skipped: `words`: text
        metadata: model = none
        """)
  }

  @Test func checkpoints() throws {
    let program = try session.compile(minimizing: loss, with: Adam(), freezing: "encoder")
    let position = DataPosition(epoch: 3, batch: 12, step: 1312, seed: 0, batchSize: 32)
    let checkpoint = try Checkpoint(
      of: session, running: program, step: 1312, position: position, metric: 0.123456, saving: .trained)
    #expect(
      checkpoint.description == """
        checkpoint of step 1,312
          position   step 1,312, epoch 3, after 12 batches of 32
          metric     0.123
          freezing   encoder
          variables  2, those the program writes
          slots      6
          bytes      128 B
        """)
    #expect(
      try checkpoint.resume(in: session).description
        == "resumed at step 1,312, epoch 3, after 12 batches of 32; slots: head/kernel: kept, head/bias: kept"
    )
    let other = try Session(session.graph)
    let plain = try other.compile(minimizing: loss, with: SGD(learningRate: 0.1))
    #expect(
      try Checkpoint(of: other, running: plain, step: 0).description == """
        checkpoint of step 0
          variables  4, all there are
          bytes      104 B
        """)
  }

  @Test func training() throws {
    let data = try DataSet([x: try NDArray(zeros: [5, 3])])
    #expect(data.description == "5 examples: x f32[5,3]")
    #expect(Shuffle(seed: 7, stream: 2).description == "random orders by seed 7, stream 2")
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0))
    #expect(
      Trainer(program, in: session).description
        == "trainer: minimises reduce_mean by 4 variables, 26 elements")
    #expect(
      try Trainer(session.compile(fetching: []), in: session).description
        == "trainer: the program trains nothing")
    var lines: [String] = []
    try Trainer(program, in: session).fit(
      data, epochs: 1, batchSize: 4, report: { lines.append($0.description) })
    #expect(lines == ["step 1 of 2 (epoch 0): loss 0.0000", "step 2 of 2 (epoch 0): loss 0.0000"])
  }

  @Test func optimizers() {
    #expect(Adam().description == "adam: rate 0.001, beta1 0.9, beta2 0.999, epsilon 1e-08")
    #expect(SGD(learningRate: 0.1).description == "sgd: rate 0.1")
    #expect(
      SGD(learningRate: 0.1, momentum: 0.9, weightDecay: 1e-4, usesNesterov: true).description
        == "sgd: rate 0.1, Nesterov's momentum 0.9, weight decay 0.0001")
    #expect(
      Schedule.warmUp(over: 10, then: .cosine(initial: 0.1, over: 100)).description
        == "0.1 to 0.0 over 100 steps, warmed up over 10")
    #expect(
      Schedule.steps(initial: 0.1, factor: 0.5, every: 30).description == "0.1 times 0.5 every 30 steps")
  }

  @Test func graphs() {
    let graph = session.graph
    #expect(graph.description == "graph of 13 nodes, 4 variables, 26 parameters")
    #expect(
      session.variables.prefix(2).map(\.description) == [
        "encoder/kernel : f32[3,4] (kernel)", "encoder/bias : f32[4] (bias)",
      ])
    _ = graph.variable("step", shape: [], trainable: false, kind: .state)
    _ = graph.variable("table", shape: [2], trainable: false)
    #expect(
      graph.variables.suffix(2).map(\.description) == [
        "step : f32[] (held state)", "table : f32[2] (frozen)",
      ])
    #expect(graph.definition.nodes[3].description.hasPrefix("encoder/matmul = matmul : f32[batch,4] (Firn"))
    _ = graph.variable("table", shape: [2])
    #expect(graph.description == "graph of 15 nodes, 6 variables, 28 parameters, 1 fault")
  }
}
