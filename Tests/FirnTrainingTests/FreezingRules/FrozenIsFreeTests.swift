import FirnCompiler
import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// `Docs/FrozenIsFree.md`, in training and around it.
@Suite struct FrozenIsFreeTests {
  /// A body whose kernel is divided by its largest singular value, found by a step of power iteration from a vector that
  /// training moves; and a head.
  private struct SpectralModel {
    let graph = Graph()
    let x, y, loss: Tensor

    init() {
      x = graph.placeholder("x", shape: ["batch", 16])
      let hidden = graph.scope("body") { [graph, x] in
        let kernel = graph.variable("kernel", shape: [16, 20])
        let vector = graph.variable("vector", shape: [20, 1], initializer: .normal(), kind: .state)
        let left = matmul(kernel, vector)
        let right = matmul(kernel.transposed(), left)
        let next = right / sqrt(square(right).sum())
        let sigma = sqrt(square(matmul(kernel, stopGradient(next))).sum())
        graph.assign(next, to: vector, whenTraining: sigma)
        return tanh(matmul(x, kernel / sigma))
      }
      y = Dense(3, name: "head")(hidden)
      loss = square(y).mean()
    }

    func feeds() throws -> Feeds { [x: try Initializer.normal().values(shape: [5, 16], name: "x")] }
  }

  /// Frozen, neither the vector moves nor is the norm computed again; thawed, both.
  @Test func aFrozenSpectralNormIsComputedOnce() throws {
    let model = SpectralModel()
    let session = try quietSession(model.graph)
    let program = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.01), freezing: "body", fetching: [model.y])
    #expect(program.boundGraph.nodes.contains { $0.mnemonic == "sqrt" })
    #expect(!program.graph.unfused.nodes.contains { $0.mnemonic == "sqrt" })
    let vector = try session.value(of: "body/vector")
    let evaluation = try session.compile(fetching: [model.loss], freezing: "**")
    _ = try session.run(evaluation, feeding: model.feeds())
    var made = 0
    for step in 0..<100 {
      try session.run(program, feeding: model.feeds())
      if step == 0 { made = session.boundValuesMade }
    }
    #expect(session.boundValuesMade == made)
    #expect(try session.value(of: "body/vector").isBitwiseEqual(to: vector))
    // Another session that computes the norm in every step has the same bits.
    let other = try quietSession(model.graph, passes: "-hoist-frozen")
    let plain = try other.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.01), freezing: "body", fetching: [model.y])
    for _ in 0..<100 { try other.run(plain, feeding: model.feeds()) }
    #expect(try session.snapshot() == other.snapshot())
    // Thawed it moves, and what the frozen program holds of it is made anew.
    let thawed = try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.01))
    try session.run(thawed, feeding: model.feeds())
    #expect(try !session.value(of: "body/vector").isBitwiseEqual(to: vector))
    let before = session.boundValuesMade
    try session.run(program, feeding: model.feeds())
    #expect(session.boundValuesMade > before)
  }

  /// Loading a file and going on from a checkpoint leave no value that was made of what was there before.
  @Test func loadingAndResumingLeaveNothingStale() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("frozen-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 20])
    let body = graph.scope("body") { tanh(matmul(x, square(graph.variable("kernel", shape: [20, 24])))) }
    let loss = square(Dense(3, name: "head")(body)).mean()
    let feeds: Feeds = [x: try Initializer.normal().values(shape: [4, 20], name: "x")]
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.01), freezing: "body", fetching: [body])
    func expectFresh(_ place: Testing.SourceLocation = #_sourceLocation) throws {
      let snapshot = try session.snapshot()
      let got = try session.run(program, feeding: feeds)[body]
      let fresh = try quietSession(graph)
      try fresh.restore(snapshot)
      let same = try fresh.compile(fetching: [body], freezing: "body")
      #expect(try fresh.run(same, feeding: feeds)[body].isBitwiseEqual(to: got), sourceLocation: place)
    }
    try expectFresh()
    let checkpoints = try CheckpointFolder(folder.path)
    try checkpoints.save(session, running: program, step: 1)
    let first = try session.value(of: "body/kernel")
    let file = folder.appendingPathComponent("weights.safetensors").path
    try session.setValue(Initializer.normal().values(shape: [20, 24], name: "other"), of: "body/kernel")
    try session.save(to: file)
    try expectFresh()
    let checkpoint = try #require(try checkpoints.latest())
    _ = try checkpoint.resume(in: session)
    #expect(try session.value(of: "body/kernel").isBitwiseEqual(to: first))
    try expectFresh()
    try session.load(Weights(contentsOf: file))
    #expect(try !session.value(of: "body/kernel").isBitwiseEqual(to: first))
    try expectFresh()
    #expect(session.boundValuesMade == 4)
  }
}
