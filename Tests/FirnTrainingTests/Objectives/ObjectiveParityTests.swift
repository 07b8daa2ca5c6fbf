import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// Programs of several losses against what PyTorch makes of them, written correctly, over 20 steps.
///
/// `Fixtures/make_objectives.py` made the numbers.
@Suite struct ObjectiveParityTests {
  private struct Fixture: Decodable {
    struct Case: Decodable {
      let start, end: [String: [Double]]
      let losses: [[Double]]
      let x, returns, mean, variance, noise, real, a, b: [Double]?
      let actions, labels: [Int32]?
    }

    let actor_critic, gan, two_heads, distillation: Case
  }

  private let fixture: Fixture

  init() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/objectives.json"))
    fixture = try JSONDecoder().decode(Fixture.self, from: data)
  }

  /// A graph in `f64` with the weights of a case.
  private struct Model {
    let graph = Graph()
    let row: Fixture.Case

    func weight(_ name: String, _ shape: [Int]) throws -> Tensor {
      graph.variable(
        name, shape: Shape(shape.map { Dim($0) }), dtype: .f64, role: "kernel",
        initializer: .array(try NDArray(try #require(row.start[name]), shape: shape)))
    }

    func data(_ values: [Double]?, _ shape: [Int]) throws -> Tensor {
      graph.constant(try NDArray(try #require(values), shape: shape))
    }
  }

  /// Runs 20 steps, and compares weights and losses.
  private func expect(
    _ program: Program, _ session: Session, _ losses: [Tensor], are row: Fixture.Case
  ) throws {
    for step in row.losses {
      let results = try session.run(program)
      for (loss, wanted) in zip(losses, step) { #expect(abs(try results.scalar(loss) - wanted) < 1e-9) }
    }
    for (name, wanted) in row.end {
      let off =
        zip(try session.value(of: name).doubles, wanted).map { ($0 - $1).magnitude }.max() ?? .infinity
      #expect(off < 1e-9, "\(name): \(off)")
    }
  }

  // MARK: Actor and critic

  private struct ActorCritic {
    let graph: Graph
    let (actorLoss, criticLoss): (Tensor, Tensor)

    init(_ row: Fixture.Case) throws {
      let model = Model(row: row)
      graph = model.graph
      let (trunk, actor, critic) = (
        try model.weight("trunk", [3, 4]), try model.weight("actor", [4, 2]),
        try model.weight("critic", [4, 1])
      )
      let returns = try model.data(row.returns, [6, 1])
      let actions = oneHot(
        graph.constant(NDArray(try #require(row.actions))), depth: 2, dtype: .f64)
      let h = tanh(matmul(try model.data(row.x, [6, 3]), trunk))
      let value = matmul(h, critic)
      let chances = logSoftmax(matmul(h, actor))
      let taken = (chances * actions).sum(axes: [1], keepingAxes: true)
      actorLoss = graph.scope("actor_loss") { -(taken * stopGradient(returns - value)).mean() }
      criticLoss = graph.scope("critic_loss") { square(value - returns).mean() }
    }

    var actor: Adam { Adam(learningRate: 1e-2) }
    var critic: SGD { SGD(learningRate: 1e-1, momentum: 0.9) }
  }

  @Test func actorAndCritic() throws {
    let model = try ActorCritic(fixture.actor_critic)
    let session = try quietSession(model.graph)
    let program = try session.compile(updates: [
      .minimize(model.actorLoss, training: "actor", with: model.actor, named: "actor"),
      .minimize(model.criticLoss, training: "trunk | critic", with: model.critic, named: "critic"),
    ])
    #expect(program.objectives == ["actor", "critic"])
    try expect(program, session, [model.actorLoss, model.criticLoss], are: fixture.actor_critic)
  }

  /// The critic's loss does not read the actor, so two programs in turns make the same bits.
  @Test func twoProgramsMakeTheSameBits() throws {
    let (one, two) = (try ActorCritic(fixture.actor_critic), try ActorCritic(fixture.actor_critic))
    let (single, turns) = (try quietSession(one.graph), try quietSession(two.graph))
    let program = try single.compile(updates: [
      .minimize(one.actorLoss, training: "actor", with: one.actor),
      .minimize(one.criticLoss, training: "trunk | critic", with: one.critic),
    ])
    let first = try turns.compile(minimizing: two.actorLoss, with: two.actor, freezing: "!actor")
    let second = try turns.compile(minimizing: two.criticLoss, with: two.critic, freezing: "actor")
    for _ in 0..<20 {
      try single.run(program)
      try turns.run(first)
      try turns.run(second)
    }
    #expect(try single.everything() == turns.everything())
  }

  /// Without a `training:` the actor's loss would take the trunk that the critic trains: both are named.
  @Test func leakingSelectionsAreNamed() throws {
    let model = try ActorCritic(fixture.actor_critic)
    let session = try quietSession(model.graph)
    let leaking: [(Selection?, String)] = [
      (nil, "would both train `trunk`, `critic`"), ("actor | trunk", "would both train `trunk`"),
      ("actor | trunk[0..<2]", "would both train `trunk[0..<2]`"),
      ("actor | trunk[axis 1: 0..<1]", "would both train `trunk[axis 1: 0..<1]`"),
    ]
    for (selection, words) in leaking {
      let refused = try error {
        _ = try session.compile(updates: [
          .minimize(model.actorLoss, training: selection, with: model.actor),
          .minimize(model.criticLoss, training: "trunk | critic", with: model.critic),
        ])
      }
      #expect(refused.code == .invalidSelection && refused.message.contains(words), "\(refused)")
    }
  }

  // MARK: The others

  @Test func generatorAndDiscriminator() throws {
    let row = fixture.gan
    let model = Model(row: row)
    let graph = model.graph
    let generator = try model.weight("generator", [2, 3])
    let (first, last) = (try model.weight("first", [3, 4]), try model.weight("last", [4, 1]))
    let mean = graph.variable(
      "mean", shape: [4], dtype: .f64, initializer: .array(NDArray(try #require(row.mean))), kind: .state)
    let variance = graph.variable(
      "variance", shape: [4], dtype: .f64, initializer: .array(NDArray(try #require(row.variance))),
      kind: .state)
    func judge(_ x: Tensor) -> Tensor {
      matmul(tanh((matmul(x, first) - mean) / sqrt(variance + 1e-5)), last)
    }
    let fake = judge(tanh(matmul(try model.data(row.noise, [5, 2]), generator)))
    let real = judge(try model.data(row.real, [5, 3]))
    // -log sigmoid(x) is softplus(-x).
    let generating = softplus(-fake).mean()
    let judging = softplus(-real).mean() + softplus(fake).mean()
    let session = try quietSession(graph)
    let program = try session.compile(updates: [
      .minimize(generating, training: "generator", with: Adam(learningRate: 1e-2, beta1: 0.5)),
      .minimize(judging, training: "first | last", with: Adam(learningRate: 2e-2, beta1: 0.5)),
    ])
    try expect(program, session, [generating, judging], are: row)
  }

  @Test func twoHeadsShareATrunk() throws {
    let row = fixture.two_heads
    let model = Model(row: row)
    let trunk = try model.weight("trunk", [3, 4])
    let h = tanh(matmul(try model.data(row.x, [6, 3]), trunk))
    let left = square(matmul(h, try model.weight("left", [4, 2])) - (try model.data(row.a, [6, 2]))).mean()
    let right = square(matmul(h, try model.weight("right", [4, 1])) - (try model.data(row.b, [6, 1]))).mean()
    let session = try quietSession(model.graph)
    let program = try session.compile(updates: [
      .minimize(left, training: "trunk | left", with: Adam(learningRate: 1e-2, weightDecay: 0.01)),
      .minimize(right, training: "right", adding: "trunk", with: SGD(learningRate: 5e-2)),
    ])
    try expect(program, session, [left, right], are: row)
    let reason = program.status.variables.first { $0.name == "trunk" }?.reason
    #expect(reason?.hasSuffix("trained by `\(left.name)` and `\(right.name)`") == true, "\(reason ?? "")")
  }

  @Test func distillationLeavesTheTeacher() throws {
    let row = fixture.distillation
    let model = Model(row: row)
    let x = try model.data(row.x, [6, 3])
    let teacher = softmax(matmul(x, try model.weight("teacher", [3, 4])) / 2)
    let logits = matmul(x, try model.weight("student", [3, 4]))
    let labels = oneHot(model.graph.constant(NDArray(try #require(row.labels))), depth: 4, dtype: .f64)
    let hard = -(labels * logSoftmax(logits)).sum(axes: [1]).mean()
    let soft = -4 * (teacher * logSoftmax(logits / 2)).sum(axes: [1]).mean()
    let loss = 0.5 * hard + 0.5 * soft
    let session = try quietSession(model.graph)
    let program = try session.compile(updates: [
      .minimize(loss, training: "student", with: Adam(learningRate: 2e-2))
    ])
    try expect(program, session, [loss], are: row)
    #expect(program.status.variables.first { $0.name == "teacher" }?.status == .frozen)
    #expect(program.slotReport.map(\.variable) == ["student"])
  }
}
