import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Optimisers of one's own that look beyond the part they move.
@Suite struct OwnOptimizerTests {
  /// You et al., ICLR 2020, as Keras has it: the step of a variable is as long as its norm says.
  private struct LAMB: Optimizer {
    let name = "lamb"

    func slots(for part: TrainedPart) -> [OptimizerSlot] {
      [OptimizerSlot("first_moment", type: part.type), OptimizerSlot("second_moment", type: part.type)]
    }

    var sharedSlots: [OptimizerSlot] { [OptimizerSlot("step", type: TensorType(.f64, .scalar))] }

    func updateShared(_ slots: [Tensor]) -> [Tensor] { [slots[0] + 1] }

    func update(_ update: ParameterUpdate) -> UpdatedParameter {
      let step = update.sharedSlots[0] + 1
      let first = 0.9 * update.slots[0] + 0.1 * update.gradient
      let second = 0.999 * update.slots[1] + (1 - 0.999) * square(update.gradient)
      let direction = first / (1 - pow(0.9, step)) / (sqrt(second / (1 - pow(0.999, step))) + 1e-6)
      let ratio = sqrt(square(update.value).sum()) / sqrt(square(direction).sum())
      return UpdatedParameter(value: update.value - 0.1 * ratio * direction, slots: [first, second])
    }
  }

  /// Descent along gradients scaled to a global norm, as `clippingNorm` scales them.
  private struct Normalized: Optimizer {
    let name = "normalized"
    let limit: Double

    func slots(for part: TrainedPart) -> [OptimizerSlot] { [] }

    func update(_ update: ParameterUpdate) -> UpdatedParameter {
      let squares = update.all.map { square($0.gradient).sum() }
      let norm = sqrt(squares.dropFirst().reduce(squares[0]) { $0 + $1 })
      let scale = minimum(limit / maximum(norm, 1e-12), 1)
      return UpdatedParameter(value: update.value - 0.1 * (update.gradient * scale))
    }
  }

  @Test func threeStepsOfLAMBAsKeras() throws {
    let fixture = try #require(try Fixture.load("biases.json").first { $0.name == "lamb" })
    let graph = Graph()
    let x = graph.constant(try fixture.input("x", .f64))
    let weights = try fixture.weights(.f64)
    let (a, b) = (try #require(weights["a"]), try #require(weights["b"]))
    let kernel = graph.variable("a", shape: [3, 4], dtype: .f64, initializer: .array(a))
    let bias = graph.variable("b", shape: [4], dtype: .f64, initializer: .array(b))
    let target = graph.constant(try fixture.input("target", .f64))
    let loss = square(matmul(x, kernel) + bias - target).mean()
    let session = try quietSession(graph)
    let program = try session.compile(minimizing: loss, with: LAMB())
    for _ in 0..<3 { try session.run(program) }
    for (name, expected) in try #require(fixture.trained) {
      let apart = difference(try session.value(of: name), expected)
      #expect(apart <= 1e-12, "\(name) is \(apart) apart")
    }
  }

  /// All trained parts are seen, blocks among them, frozen ones are not, and one norm is computed, not one a variable.
  @Test func updatesSeeAllTrainedGradients() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [4, 3], dtype: .f64)
    let hidden = Dense(5, activation: .tanh, name: "a")(x)
    let loss = square(Dense(2, name: "b")(hidden) - 3).mean()
    let freezing: Selection = "a/bias | b/kernel[0..<2]"
    func trained(_ optimizer: any Optimizer, clippingNorm: Double? = nil) throws -> (Session, Program) {
      let session = try quietSession(graph, seed: 4)
      let program = try session.compile(
        minimizing: loss, with: optimizer, freezing: freezing, clippingNorm: clippingNorm)
      for _ in 0..<3 { try session.run(program, feeding: [x: noise([4, 3])]) }
      return (session, program)
    }
    let (own, program) = try trained(Normalized(limit: 0.01))
    let (clipped, reference) = try trained(plainDescent, clippingNorm: 0.01)
    let (plain, _) = try trained(plainDescent)
    for variable in graph.variables {
      let value = try own.value(of: variable.name)
      #expect(try value.isClose(to: clipped.value(of: variable.name), relative: 1e-14, absolute: 1e-16))
    }
    #expect(try !own.value(of: "b/bias").isClose(to: plain.value(of: "b/bias")), "the limit counts")
    func roots(_ program: Program) -> Int {
      program.graph.unfused.nodes.filter { $0.mnemonic == "sqrt" }.count
    }
    #expect(roots(program) == 1 && roots(reference) == 1)
  }
}
