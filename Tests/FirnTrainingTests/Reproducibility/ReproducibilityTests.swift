import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// The same seed gives the same bits, whatever runs beside.
@Suite struct ReproducibilityTests {
  /// A model large enough for its work to be split, with dropout inside and outside its loop.
  private func trained(threads: Int, seed: UInt64 = 5) throws -> [NDArray] {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 16])
    let targets = graph.placeholder("targets", shape: ["batch"], dtype: .i32)
    let hidden = graph.scope("encoder") { Dropout(0.2)(LSTM(64)(Dense(96, activation: .gelu)(x))) }
    let logits = Dense(10, name: "head")(Dropout(0.5)(Dense(128, activation: .relu)(hidden)))
    let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: targets).mean()
    let session = try quietSession(graph, seed: seed, threads: threads)
    let program = try session.compile(
      minimizing: loss, with: Adam(learningRate: 0.01, weightDecay: 0.01), clippingNorm: 0.5)
    let feeds: Feeds = [x: try noise([64, 9, 16]), targets: labels(64, classes: 10)]
    var losses: [Double] = []
    for _ in 0..<4 { losses.append(try session.run(program, feeding: feeds).scalar(loss)) }
    return try session.variables.map { try session.value(of: $0.name) } + [NDArray(losses)]
  }

  @Test func bitsDoNotDependOnThreads() throws {
    let one = try trained(threads: 1)
    #expect(try trained(threads: 2) == one)
    #expect(try trained(threads: 7) == one)
    #expect(try trained(threads: 1) == one, "two sessions are equal")
    #expect(try trained(threads: 1, seed: 6) != one)
  }

  @Test func batchesOfOneEpochDependOnSeedAndEpochOnly() throws {
    let data = try DataSet(["x": noise([23, 2])])
    #expect(data.batches(of: 5, epoch: 3, seed: 1) == data.batches(of: 5, epoch: 3, seed: 1))
    #expect(data.batches(of: 5, epoch: 3, seed: 1) != data.batches(of: 5, epoch: 4, seed: 1))
    #expect(data.batches(of: 5, epoch: 3, seed: 1) != data.batches(of: 5, epoch: 3, seed: 2))
    #expect(data.batches(of: 5, epoch: 3, seed: 1).flatMap { $0 }.sorted() == Array(0..<23))
  }

  @Test func compilingTwiceGivesOneText() throws {
    func texts() throws -> [String] {
      let model = try NestedModel()
      let session = try quietSession(model.graph)
      return try ([nil, "encoder", "head | tied"] as [Selection?]).map { selection in
        try session.compile(
          minimizing: model.loss, with: Adam(weightDecay: 0.1), freezing: selection, clippingNorm: 1
        ).graph.text
      }
    }
    let first = try texts()
    #expect(try texts() == first)
    #expect(Set(first).count == 3)
  }

  /// One session, compiled again: the graph, the plan, the report and the results are what they were.
  @Test func compilingAgainChangesNothing() throws {
    let model = try NestedModel()
    let session = try quietSession(model.graph)
    let programs = try (0..<2).map { _ in
      try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "tied")
    }
    #expect(programs[0].graph == programs[1].graph)
    #expect(programs[0].graph.text == programs[1].graph.text)
    #expect(programs[0].status == programs[1].status)
    #expect(programs[0].removedGradients == programs[1].removedGradients)
    #expect(programs[0].history == programs[1].history)
    let binding: DimBinding = ["batch": 7, "time": 2]
    let plans = try programs.map { try Plan($0.graph.mapping(.binding(binding))).description }
    #expect(plans[0] == plans[1])
  }

  // MARK: Dropout

  private struct Masks {
    let graph = Graph()
    let plain: Tensor
    let looped: Tensor

    init(extra: Bool = false) {
      let ones = graph.constant(NDArray([Float](repeating: 1, count: 64)))
      if extra { _ = Dense(3, name: "extra")(dropout(ones, rate: 0.5, name: "other").reshaped(to: [1, 64])) }
      plain = dropout(ones, rate: 0.5, name: "first")
      looped =
        scan(initial: [], length: 4, in: graph) { _ in
          ScanResult(carries: [], outputs: [dropout(ones, rate: 0.5, name: "second")])
        }.outputs[0]
    }

    func runs(seed: UInt64) throws -> [[NDArray]] {
      let session = try quietSession(graph, seed: seed)
      let program = try session.compile(fetching: [plain, looped], inTrainingMode: true)
      return try (0..<3).map { _ in
        let results = try session.run(program)
        return try [results[plain], results[looped]]
      }
    }
  }

  @Test func masksDependOnSeedRunPlaceAndIteration() throws {
    let runs = try Masks().runs(seed: 1)
    #expect(try Masks().runs(seed: 1) == runs)
    #expect(try Masks().runs(seed: 2)[0] != runs[0])
    #expect(runs[0][0] != runs[1][0])
    #expect(runs[0][1] != runs[1][1])
    let steps = try (0..<4).map { try runs[0][1].rows([$0]).floats }
    #expect(Set(steps + [runs[0][0].floats]).count == 5, "every iteration and every node draws anew")
    #expect(try Masks(extra: true).runs(seed: 1) == runs, "another node changes no mask")
  }

  /// The adjoint uses the very mask of its forward pass, also where a run before it failed.
  @Test func gradientSeesTheMaskOfItsRun() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [64], initializer: .ones)
    let dropped = dropout(w, rate: 0.5)
    let gradient = graph.gradients(of: [dropped], withRespectTo: [w])[0]
    let session = try quietSession(graph)
    let program = try session.compile(fetching: [dropped, gradient], inTrainingMode: true)
    for _ in 0..<3 {
      let results = try session.run(program)
      #expect(try results[dropped] == results[gradient])
    }
  }

  // MARK: First values

  @Test func addingALayerLeavesOtherFirstValues() throws {
    func values(extra: Bool) throws -> [String: NDArray] {
      let graph = Graph()
      var x = graph.placeholder("x", shape: ["batch", 4])
      if extra { x = Dense(4, name: "extra")(x) }
      x = graph.scope("encoder") { Dense(4)(x) }
      x = LSTM(3)(x.expandingAxis(at: 1))
      _ = Dense(2, name: "head")(x)
      return try quietSession(graph).everything()
    }
    let before = try values(extra: false)
    let after = try values(extra: true)
    #expect(after.count == before.count + 2)
    for (name, value) in before { #expect(after[name] == value, "\(name)") }
    #expect(try values(extra: false) == before)
    #expect(after["extra/kernel"] != after["encoder/dense/kernel"])
  }
}
