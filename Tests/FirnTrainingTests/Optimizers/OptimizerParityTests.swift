import FirnCompiler
import FirnGraph
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// Weights after each step against PyTorch's, for hyperparameters that `f32` does not hold.
///
/// `Fixtures/make_optimizer_fixtures.py` made the numbers.
@Suite struct OptimizerParityTests {
  private struct Fixture: Decodable {
    struct AdamCase: Decodable {
      let beta1: Double
      let beta2: Double
      let weights: [[Double]]
      let f32: Double
    }
    struct Case: Decodable {
      let weights: [[Double]]
      /// By how much PyTorch's own run in `f32` is off.
      let f32: Double
    }

    let gradients: [[Double]]
    let rate: Double
    let adam: [AdamCase]
    let others: [String: Case]
  }

  private let fixture: Fixture

  init() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/optimizers.json"))
    fixture = try JSONDecoder().decode(Fixture.self, from: data)
  }

  /// The weights after each step, from `start`.
  private func trained(
    _ optimizer: any Optimizer, _ dtype: DType, start: Double = 0, clippingNorm: Double? = nil
  ) throws -> [[Double]] {
    let graph = Graph()
    let w = graph.variable("w", shape: [3], dtype: dtype, initializer: .constant(start))
    let gradient = graph.placeholder("gradient", shape: [3], dtype: dtype)
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: (w * gradient).sum(), with: optimizer, clippingNorm: clippingNorm)
    return try fixture.gradients.map { values in
      try session.run(program, feeding: [gradient: NDArray(values).converted(to: dtype)])
      return try session.value(of: w).doubles
    }
  }

  private func difference(_ a: [[Double]], _ b: [[Double]]) -> Double {
    zip(a.joined(), b.joined()).map { ($0 - $1).magnitude }.max() ?? .infinity
  }

  /// What a run may be off: 1e-7 in `f32`, more only where PyTorch's own run in `f32` is (weights pass 1, whose last
  /// place is 1.2e-7).
  private func tolerance(_ dtype: DType, ofPyTorch own: Double) -> Double {
    dtype == .f64 ? 1e-14 : max(1e-7, 1.5 * own)
  }

  @Test(arguments: [DType.f32, .f64])
  func adamForEveryBeta(_ dtype: DType) throws {
    #expect(fixture.adam.count == 35)
    for row in fixture.adam {
      let adam = Adam(learningRate: fixture.rate, beta1: row.beta1, beta2: row.beta2)
      let off = difference(try trained(adam, dtype), row.weights)
      #expect(off <= tolerance(dtype, ofPyTorch: row.f32), "beta1 \(row.beta1), beta2 \(row.beta2): \(off)")
    }
  }

  @Test(arguments: [DType.f32, .f64])
  func allOthers(_ dtype: DType) throws {
    let rate = fixture.rate
    let cases: [(String, any Optimizer, Double, Double?)] = [
      ("adamw", Adam(learningRate: rate, weightDecay: 0.01), 1, nil),
      ("sgd", SGD(learningRate: rate), 0, nil),
      ("momentum", SGD(learningRate: rate, momentum: 0.9), 0, nil),
      ("nesterov", SGD(learningRate: rate, momentum: 0.9, usesNesterov: true), 0, nil),
      ("decay", SGD(learningRate: rate, momentum: 0.9, weightDecay: 0.01), 1, nil),
      ("steps", Adam(learningRate: .steps(initial: rate, factor: 0.3, every: 2)), 0, nil),
      ("cosine", SGD(learningRate: .cosine(initial: rate, over: 7)), 0, nil),
      (
        "scheduledDecay", Adam(learningRate: .steps(initial: rate, factor: 0.3, every: 1), weightDecay: 0.01),
        1, nil
      ),
      ("clipped", SGD(learningRate: rate), 0, 0.5),
    ]
    #expect(Set(cases.map(\.0)) == Set(fixture.others.keys))
    for (name, optimizer, start, norm) in cases {
      let wanted = try #require(fixture.others[name])
      let off = difference(try trained(optimizer, dtype, start: start, clippingNorm: norm), wanted.weights)
      // PyTorch adds 1e-6 to the norm before it divides.
      #expect(off <= (norm == nil ? tolerance(dtype, ofPyTorch: wanted.f32) : 2e-6), "\(name): \(off)")
    }
  }

  /// A rate that the program computes is rounded to the variable's type once, after all that is made of it.
  @Test func ratesAreNotRoundedOnTheWay() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [2], initializer: .ones)
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: square(w).sum(), with: Adam(learningRate: .cosine(initial: 0.1, over: 9), weightDecay: 0.1))
    let scalars = program.graph.unfused.nodes.filter {
      $0.phase == .update && $0.types.first?.shape.rank == 0
    }
    #expect(scalars.contains { $0.mnemonic == "pow" })
    for node in scalars where !["constant", "read", "cast", "add", "assign"].contains(node.mnemonic) {
      #expect(node.types[0].dtype == .f64, "\(node.name)")
    }
  }
}
