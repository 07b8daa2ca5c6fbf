import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// Where gradients leak by accident elsewhere: batch norms frozen in part, shadows, codes; each against what PyTorch
/// makes of it, written correctly, over 20 steps.
///
/// `Fixtures/make_leaks.py` made the numbers.
@Suite struct LeakParityTests {
  private struct Case: Decodable {
    let start, end: [String: [Double]]
    let losses: [[Double]]
    let noise, real, one, two, x: [Double]?
  }

  private let cases: [String: Case]

  init() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/leaks.json"))
    cases = try JSONDecoder().decode([String: Case].self, from: data)
  }

  private func data(_ values: [Double]?, _ shape: [Int], _ graph: Graph) throws -> Tensor {
    graph.constant(try NDArray(try #require(values), shape: shape))
  }

  /// A session whose variables begin as PyTorch's did.
  private func session(_ graph: Graph, _ row: Case) throws -> Session {
    let session = try quietSession(graph)
    for variable in session.graph.variables {
      guard let values = row.start[variable.name], let extents = variable.type.shape.extents else { continue }
      try session.setValue(try NDArray(values, shape: extents), of: variable.name)
    }
    return session
  }

  /// Runs 20 steps, and compares losses and all that PyTorch has in the end.
  private func expect(
    _ program: Program, _ session: Session, _ losses: [Tensor], are row: Case, within bound: Double = 1e-9
  ) throws {
    for step in row.losses {
      let results = try session.run(program)
      for (loss, wanted) in zip(losses, step) { #expect(abs(try results.scalar(loss) - wanted) < bound) }
    }
    for (name, wanted) in row.end {
      let off =
        zip(try session.value(of: name).doubles, wanted).map { ($0 - $1).magnitude }.max() ?? .infinity
      #expect(off < bound, "\(name): \(off)")
    }
  }

  // MARK: Generator and discriminator

  /// How each meaning of a frozen batch norm is said here.
  private static let meanings: [String: (freezing: Selection?, keeping: Selection?)] = [
    "nothing": (nil, nil), "statistics": ("judge/norm/moving_mean | judge/norm/moving_variance", nil),
    "affine": ("judge/norm/gamma | judge/norm/beta", "judge/norm"), "both": ("judge/norm", nil),
  ]

  private struct Adversaries {
    let graph = Graph()
    let generating, judging: Tensor

    init(_ noise: [Double], _ real: [Double]) throws {
      let graph = self.graph
      let fake = tanh(
        matmul(
          graph.constant(try NDArray(noise, shape: [5, 2])),
          graph.variable("generator", shape: [2, 3], dtype: .f64)))
      let seen = concatenate([fake, graph.constant(try NDArray(real, shape: [5, 3]))], axis: 0)
      let scores = graph.scope("judge") {
        let h = matmul(seen, graph.variable("first", shape: [3, 4], dtype: .f64))
        return matmul(tanh(BatchNorm(name: "norm")(h)), graph.variable("last", shape: [4, 1], dtype: .f64))
      }
      let (onFake, onReal) = (scores.sliced(axis: 0, from: 0, to: 5), scores.sliced(axis: 0, from: 5, to: 10))
      // -log sigmoid(x) is softplus(-x).
      generating = softplus(-onFake).mean()
      judging = softplus(-onReal).mean() + softplus(onFake).mean()
    }

    func objectives(training judge: Selection? = "judge") -> [Objective] {
      [
        .minimize(
          generating, training: "generator", with: Adam(learningRate: 1e-2, beta1: 0.5, name: "g"), named: "g"
        ),
        .minimize(
          judging, training: judge, with: Adam(learningRate: 2e-2, beta1: 0.5, name: "d"), named: "d"),
      ]
    }
  }

  @Test(arguments: meanings.keys.sorted()) func generatorAndDiscriminator(_ meaning: String) throws {
    let row = try #require(cases["gan \(meaning)"])
    let said = try #require(Self.meanings[meaning])
    let model = try Adversaries(try #require(row.noise), try #require(row.real))
    let session = try session(model.graph, row)
    let program = try session.compile(
      updates: model.objectives(), freezing: said.freezing, keepingTrainingMode: said.keeping)
    try expect(program, session, [model.generating, model.judging], are: row)
    // What is held has the very bits it was given.
    for name in row.start.keys where row.start[name] == row.end[name] {
      #expect(try session.value(of: name).doubles == row.start[name], "\(name)")
    }
  }

  /// With its norm frozen the judge is a function of its weights, so that two programs in turns make the same bits
  /// where each reads what the other has not moved yet: the second is given the gradients that the first step would.
  @Test func twoProgramsWithTheNormFrozenMakeTheSameBits() throws {
    let row = try #require(cases["gan both"])
    let (one, two) = (
      try Adversaries(try #require(row.noise), try #require(row.real)),
      try Adversaries(try #require(row.noise), try #require(row.real))
    )
    let (single, turns) = (try session(one.graph, row), try session(two.graph, row))
    // Where the judge is frozen whole, its norm would be folded into what it scales, which rounds.
    for session in [single, turns] { session.passes = "-fold-frozen" }
    let program = try single.compile(updates: one.objectives(), freezing: "judge/norm")
    let generating = try turns.compile(
      minimizing: two.generating, with: Adam(learningRate: 1e-2, beta1: 0.5, name: "g"), freezing: "judge")
    let judging = try turns.compile(
      minimizing: two.judging, with: Adam(learningRate: 2e-2, beta1: 0.5, name: "d"),
      freezing: "generator | judge/norm")
    // Both of a step read the weights from before it.
    for _ in 0..<20 {
      try single.run(program)
      let before = try turns.value(of: "generator")
      try turns.run(generating)
      let after = try turns.value(of: "generator")
      try turns.setValue(before, of: "generator")
      try turns.run(judging)
      try turns.setValue(after, of: "generator")
    }
    let (all, others) = (try single.everything(), try turns.everything())
    for (name, value) in all { #expect(others[name] == value, "\(name)") }
  }

  @Test func aJudgeThatWouldTrainTheGeneratorIsNamed() throws {
    let row = try #require(cases["gan both"])
    let model = try Adversaries(try #require(row.noise), try #require(row.real))
    let session = try session(model.graph, row)
    let refused = try error { _ = try session.compile(updates: model.objectives(training: nil)) }
    #expect(refused.code == .invalidSelection)
    #expect(refused.message == "objectives `g` and `d` would both train `generator`")
  }

  // MARK: Shadows

  private struct Bootstrap {
    let graph = Graph()
    let loss: Tensor

    init(_ one: [Double], _ two: [Double], every: Int, _ statistics: Shadow.Statistics) throws {
      let graph = self.graph
      func encoder(_ x: Tensor) -> Tensor {
        let h = matmul(x, graph.variable("kernel", shape: [3, 4], dtype: .f64))
        return matmul(tanh(BatchNorm(name: "norm")(h)), graph.variable("out", shape: [4, 2], dtype: .f64))
      }
      let (first, second) = (
        graph.constant(try NDArray(one, shape: [6, 3])), graph.constant(try NDArray(two, shape: [6, 3]))
      )
      let online = graph.scope("online") { encoder(first) }
      graph.shadow(
        of: "online", as: "target", decay: every == 1 ? 0.9 : 0, every: every, statistics: statistics)
      let goal = graph.scope("target", reuse: true) { encoder(second) }
      let predicted = matmul(online, graph.variable("predictor", shape: [2, 2], dtype: .f64))
      loss = 2 - 2 * cosineSimilarity(predicted, goal, axis: 1).mean()
    }
  }

  @Test(arguments: ["copied", "averaged", "own", "every 3"]) func bootstrapping(_ kind: String) throws {
    let row = try #require(cases["byol \(kind)"])
    let model = try Bootstrap(
      try #require(row.one), try #require(row.two), every: kind == "every 3" ? 3 : 1,
      Shadow.Statistics(rawValue: kind) ?? .copied)
    let session = try session(model.graph, row)
    if kind == "own" {
      // Its own statistics begin as declared, where PyTorch's copy began as the online ones.
      try session.copyValues(from: session, "online", replacing: "online", with: "target")
    }
    let program = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 5e-2, momentum: 0.9),
      keepingTrainingMode: kind == "own" ? "target" : nil)
    try expect(program, session, [model.loss], are: row)
    #expect(program.trained.map(\.name).allSatisfy { !$0.hasPrefix("target") })
    #expect(session.variables.allSatisfy { $0.kind != .slot || !$0.name.hasPrefix("target") })
  }

  /// A program that trains, and the target moved by hand after each of its runs, make the bits of one program.
  @Test func aTargetMovedByHandHasTheSameBits() throws {
    let row = try #require(cases["byol every 3"])
    let model = try Bootstrap(try #require(row.one), try #require(row.two), every: 3, .copied)
    let other = try Bootstrap(try #require(row.one), try #require(row.two), every: 1000, .copied)
    let (single, turns) = (try session(model.graph, row), try session(other.graph, row))
    let optimizer = SGD(learningRate: 5e-2, momentum: 0.9)
    let (program, step) = (
      try single.compile(minimizing: model.loss, with: optimizer),
      try turns.compile(minimizing: other.loss, with: optimizer)
    )
    for number in 1...20 {
      try single.run(program)
      try turns.run(step)
      if number % 3 == 0 {
        try turns.copyValues(from: turns, "online", replacing: "online", with: "target")
      }
    }
    for variable in model.graph.variables where variable.role != "shadowed_steps" {
      #expect(try single.value(of: variable.name) == turns.value(of: variable.name), "\(variable.name)")
    }
  }

  // MARK: Codes

  @Test func codesLearnStraightThrough() throws {
    let row = try #require(cases["vq"])
    let graph = Graph()
    func weight(_ name: String, _ shape: Shape) -> Tensor { graph.variable(name, shape: shape, dtype: .f64) }
    let x = try data(row.x, [8, 3], graph)
    let z = tanh(matmul(x, weight("encoder", [3, 2])))
    let nearest = nearestCodes(z, codebook: weight("codebook", [5, 2]))
    let rebuilt = square(matmul(nearest.codes, weight("decoder", [2, 3])) - x).mean()
    let loss = rebuilt + nearest.codebookLoss + 0.25 * nearest.commitmentLoss
    let session = try session(graph, row)
    let program = try session.compile(
      minimizing: loss, with: Adam(learningRate: 2e-2),
      fetching: [rebuilt, nearest.codebookLoss, nearest.commitmentLoss])
    try expect(program, session, [rebuilt, nearest.codebookLoss, nearest.commitmentLoss], are: row)
  }

  /// Each loss in a program of its own objective: the codebook's goes to the codebook alone.
  @Test func lossesOfCodesGoWhereTheySay() throws {
    let row = try #require(cases["vq"])
    func made() throws -> (Session, z: Quantized, Tensor, Tensor) {
      let graph = Graph()
      func weight(_ name: String, _ shape: Shape) -> Tensor {
        graph.variable(name, shape: shape, dtype: .f64)
      }
      let x = try data(row.x, [8, 3], graph)
      let nearest = nearestCodes(
        tanh(matmul(x, weight("encoder", [3, 2]))), codebook: weight("codebook", [5, 2]))
      let rebuilt = square(matmul(nearest.codes, weight("decoder", [2, 3])) - x).mean()
      return (try session(graph, row), nearest, rebuilt, rebuilt + 0.25 * nearest.commitmentLoss)
    }
    let (one, nearest, _, rest) = try made()
    let program = try one.compile(updates: [
      .minimize(rest, training: "encoder | decoder", with: Adam(learningRate: 2e-2)),
      .minimize(nearest.codebookLoss, training: "codebook", with: Adam(learningRate: 2e-2)),
    ])
    let wanted = try #require(cases["vq"])
    for _ in 0..<20 { try one.run(program) }
    for (name, values) in wanted.end {
      let off = zip(try one.value(of: name).doubles, values).map { ($0 - $1).magnitude }.max() ?? 1
      #expect(off < 1e-9, "\(name)")
    }
    // A selection that asks the codebook's loss to train the encoder is named, as no gradient gets there.
    let (two, again, _, _) = try made()
    let refused = try error {
      _ = try two.compile(updates: [.minimize(again.codebookLoss, training: "encoder", with: Adam())])
    }
    #expect(refused.code == .noGradient && refused.description.contains("encoder"), "\(refused)")
  }
}
