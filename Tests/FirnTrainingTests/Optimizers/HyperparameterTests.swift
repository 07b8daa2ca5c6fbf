import FirnCompiler
import FirnFormats
import FirnGraph
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Numbers no update can be made with are refused when a program is compiled.
@Suite struct HyperparameterTests {
  private static let faulty: [(optimizer: any Optimizer, says: String)] = [
    (Adam(learningRate: .nan), "learningRate nan"), (Adam(learningRate: -0.1), "learningRate -0.1"),
    (Adam(learningRate: .infinity), "learningRate inf"), (Adam(beta1: 1), "beta1 1.0"),
    (Adam(beta1: -0.1), "beta1 -0.1"), (Adam(beta2: .nan), "beta2 nan"), (Adam(beta2: 1.5), "beta2 1.5"),
    (Adam(epsilon: 0), "epsilon 0.0"), (Adam(epsilon: -1e-8), "epsilon -1e-08"),
    (Adam(weightDecay: -1), "weightDecay -1.0"), (SGD(learningRate: -1), "learningRate -1.0"),
    (SGD(learningRate: 1, momentum: 1), "momentum 1.0"),
    (SGD(learningRate: 1, momentum: -0.5), "momentum -0.5"),
    (SGD(learningRate: 1, weightDecay: .infinity), "weightDecay inf"),
    (SGD(learningRate: .steps(initial: 1, factor: -1, every: 2)), "factor -1.0"),
    (SGD(learningRate: .steps(initial: 1, factor: 1, every: 0)), "every 0.0"),
    (SGD(learningRate: .cosine(initial: 1, final: -1, over: 2)), "final -1.0"),
    (SGD(learningRate: .cosine(initial: .nan, over: 2)), "initial nan"),
    (SGD(learningRate: .cosine(initial: 1, over: -2)), "over -2.0"),
    (SGD(learningRate: .warmUp(over: -1, then: .constant(1))), "over -1.0"),
    (SGD(learningRate: .warmUp(over: 1, then: .warmUp(over: 2, then: .constant(-1)))), "learningRate -1.0"),
  ]

  @Test(arguments: faulty.indices) func faultyNumbersAreRefused(_ index: Int) throws {
    let (optimizer, says) = Self.faulty[index]
    let graph = Graph()
    let w = graph.variable("w", shape: [])
    let session = try quietSession(graph)
    let refused = try error { _ = try session.compile(minimizing: w, with: optimizer) }
    #expect(refused.code == .invalidArgument && refused.place == optimizer.name)
    #expect(refused.message == "`\(optimizer.name)` has \(says)")
    #expect(session.variables.map(\.name) == ["w"])
  }

  /// All of them at once.
  @Test func faultsAreListed() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [])
    let session = try quietSession(graph)
    let refused = try error {
      _ = try session.compile(minimizing: w, with: Adam(learningRate: -1, beta1: 2, epsilon: 0))
    }
    #expect(refused.message == "`adam` has 3 faulty hyperparameters" && refused.causes.count == 3)
  }

  @Test func ratesAreDefinedEverywhere() {
    let schedules: [Schedule] = [
      .warmUp(over: .max, then: .constant(1)), .warmUp(over: -3, then: .cosine(initial: 1, over: -5)),
      .warmUp(over: .min, then: .steps(initial: 1, factor: 0.5, every: -1)), .cosine(initial: 1, over: .max),
    ]
    for schedule in schedules {
      for step in [Int.min, -1, 0, 1, .max] { #expect((0...1).contains(schedule.rate(at: step))) }
      #expect(schedule.rate(at: -7) == schedule.rate(at: 0))
    }
  }

  /// An optimiser that takes another's name and cannot have its memory changes none of it.
  private struct Usurper: Optimizer {
    let name = "adam"

    func slots(for part: TrainedPart) -> [OptimizerSlot] {
      [
        OptimizerSlot("extra", type: part.type), OptimizerSlot("first_moment", type: part.type),
        OptimizerSlot("step", type: TensorType(part.type.dtype, [2])),
      ]
    }

    func update(_ update: ParameterUpdate) -> UpdatedParameter {
      UpdatedParameter(value: update.value, slots: update.slots)
    }
  }

  @Test func failedCompilationsLeaveMemoryAlone() throws {
    let model = try Chain()
    let session = try quietSession(model.graph)
    let program = try session.compile(minimizing: model.loss, with: Adam())
    try session.run(program, feeding: model.feeds)
    let before = try session.everything()
    let refused = try error { _ = try session.compile(minimizing: model.loss, with: Usurper()) }
    #expect(refused.code == .shapeMismatch)
    #expect(try session.everything() == before)
    let again = try session.compile(minimizing: model.loss, with: Adam())
    #expect(Set(again.slotReport.map(\.origin)) == [.kept])
    #expect(try session.everything() == before)
    #expect(try Checkpoint(of: session, running: again, step: 1).weights.entries.count == before.count)
  }
}
