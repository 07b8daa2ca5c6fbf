import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnTraining
import Testing

@testable import FirnRuntime

/// Programs with transformed kernels: how near they are, to what bits, and what they say of it.
@Suite struct WinogradProgramTests {
  /// Three convolutions of which the middle one is frozen, so that a gradient goes through it; odd extents.
  private struct Model {
    let graph = Graph()
    let x, y, loss: Tensor

    init() {
      x = graph.placeholder("x", shape: ["batch", 15, 17, 3])
      let low = relu(Conv2D(64, kernel: (3, 3), padding: .same, name: "low")(x))
      let middle = relu(Conv2D(64, kernel: (3, 3), padding: .same, name: "middle")(low))
      y = Conv2D(5, kernel: (1, 1), name: "high")(middle)
      loss = square(globalAveragePool2d(y)).mean()
    }

    func feeds(_ batch: Int = 3) throws -> Feeds {
      [x: try Initializer.normal(deviation: 1).values(shape: [batch, 15, 17, 3], name: "x")]
    }
  }

  private func session(_ model: Model, threads: Int = 1, passes: String = "") throws -> Session {
    let session = try Session(model.graph, seed: 3, threads: threads)
    session.onWarning = { _ in }
    session.passes = passes
    return session
  }

  private func distance(_ a: NDArray, _ b: NDArray) -> Double {
    let greatest = b.doubles.reduce(0) { max($0, abs($1)) }
    return zip(a.doubles, b.doubles).reduce(0) { max($0, abs($1.0 - $1.1)) } / max(greatest, 1e-30)
  }

  private func program(_ session: Session, _ model: Model) throws -> Program {
    try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "middle", fetching: [model.y])
  }

  /// Forward through the frozen kernel, and the gradient back through it.
  @Test func stepsAreNear() throws {
    let model = Model()
    func trained(_ passes: String) throws -> (Snapshot, NDArray, [String]) {
      let session = try session(model, passes: passes)
      let program = try program(session, model)
      let y = try session.run(program, feeding: model.feeds())[model.y]
      return (
        try session.snapshot(), y,
        program.graph.unfused.nodes.map(\.mnemonic).filter { $0.hasPrefix("winograd") }
      )
    }
    let (made, plain) = (try trained(""), try trained("-transform-frozen"))
    #expect(made.2 == ["winograd_convolution", "winograd_convolution"] && plain.2.isEmpty)
    #expect(distance(made.1, plain.1) < 1e-5)
    for (a, b) in zip(made.0.values, plain.0.values) {
      #expect(a.name == b.name && distance(a.array, b.array) < 1e-5, "\(a.name)")
    }
  }

  @Test func threadsChangeNoBit() throws {
    let model = Model()
    func trained(_ threads: Int) throws -> Snapshot {
      let session = try session(model, threads: threads)
      let program = try program(session, model)
      for batch in [7, 1, 4] { try session.run(program, feeding: model.feeds(batch)) }
      return try session.snapshot()
    }
    let one = try trained(1)
    for threads in [2, 3, 8] { #expect(try trained(threads) == one, "\(threads) threads") }
  }

  /// No step transforms a kernel; one that is set is transformed again, and no other.
  @Test func kernelsAreTransformedWhenTheyChange() throws {
    let model = Model()
    let session = try session(model)
    let program = try program(session, model)
    #expect(!program.graph.nodes.contains { $0.mnemonic == "winograd_kernel" })
    for _ in 0..<3 { try session.run(program, feeding: model.feeds()) }
    let made = session.boundValuesMade
    let name = "middle/kernel"
    let other = try Initializer.normal().values(shape: [3, 3, 64, 64], name: "other")
    try session.setValue(other, of: name)
    let y = try session.run(program, feeding: model.feeds())[model.y]
    #expect(
      session.boundValuesMade - made
        == program.frozenReport.values.count { $0.variables.contains(name) })
    let fresh = try self.session(model)
    try fresh.restore(session.snapshot())
    // The step above has moved what is trained: its result is that of before.
    let again = try session.run(program, feeding: model.feeds())[model.y]
    let expected = try fresh.run(self.program(fresh, model), feeding: model.feeds())[model.y]
    #expect(again.isBitwiseEqual(to: expected) && !y.isBitwiseEqual(to: again))
  }

  /// Programs and reports say which convolutions have a transform, what that saves, and how far the larger tiles are off.
  @Test func reportsSayWhatIsTransformed() throws {
    let model = Model()
    let session = try session(model)
    let two = try program(session, model)
    #expect(two.frozenReport.transforms.map(\.kind) == ["winograd 2×2", "winograd 2×2"])
    #expect(two.frozenReport.transforms[0].name.hasPrefix("middle/"))
    #expect(two.frozenReport.transforms[1].name.hasPrefix("gradients/middle/"))
    #expect("\(two.frozenReport)".contains("Transformed: 2 by winograd 2×2"), "\(two.frozenReport)")
    #expect("\(two)".contains("2 transformed"), "\(two)")
    let cost = try two.costReport().bound(by: ["batch": 2])
    #expect(cost.frozen.transforms.allSatisfy { $0.saved.value.map { $0 > 0 } == true })
    session.winogradTile = .four
    let four = try program(session, model)
    #expect(
      four.frozenReport.transforms.allSatisfy { $0.kind == "winograd 4×4" && $0.error != nil })
    #expect("\(four.frozenReport)".contains("e-0"), "\(four.frozenReport)")
    session.winogradTile = nil
    let none = try program(session, model)
    #expect(none.frozenReport.transforms.isEmpty)
    let values = try [WinogradTile.two, .four, nil].map { tile in
      session.winogradTile = tile
      let program = try session.compile(fetching: [model.y], freezing: "middle")
      return try session.run(program, feeding: model.feeds())[model.y]
    }
    #expect(distance(values[0], values[2]) < 1e-5 && distance(values[1], values[2]) < 1e-4)
    #expect(!values[0].isBitwiseEqual(to: values[2]) && !values[1].isBitwiseEqual(to: values[0]))
  }

  /// Nothing changes in what freezes nothing by name: what is evaluated has the bits that it has in training.
  @Test func evaluationsKeepTheirBits() throws {
    let model = Model()
    let session = try session(model)
    let program = try session.compile(fetching: [model.y])
    #expect(program.frozenReport.transforms.isEmpty)
  }
}
