import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

@Suite struct PrecisionTests {
  /// The gradients of the demo's kind of model, by both paths.
  private func gradients(_ dtype: DType) throws -> [[Double]] {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 8], dtype: dtype)
    let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    let logits = Dense(5)(LSTM(64)(x))
    let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
    let session = try Session(graph, seed: 3)
    let variables = graph.variables.compactMap { graph.tensor(named: $0.name) }
    let gradients = graph.gradients(of: [loss], withRespectTo: variables)
    let program = try session.compile(fetching: gradients + [loss])
    let results = try session.run(
      program,
      feeding: [
        x: noise([32, 8, 8]).converted(to: dtype), labels: NDArray((0..<32).map { Int32($0 % 5) }),
      ])
    return try (gradients + [loss]).map { try results[$0].doubles }
  }

  @Test func fastGradientsMatchReference() throws {
    for (fast, reference) in zip(try gradients(.f32), try gradients(.f64)) {
      let scale = reference.map(abs).max() ?? 0
      let worst = zip(fast, reference).map { abs($0 - $1) }.max() ?? 0
      #expect(worst <= 1e-5 * scale, "\(worst) of \(scale)")
    }
  }

  @Test func adamFollowsItsFormula() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [3], initializer: .array(NDArray([1, -2, 3] as [Float])))
    let loss = (w * w * w).sum()
    let session = try Session(graph)
    let program = try session.compile(minimizing: loss, with: Adam(learningRate: 0.1))
    var (value, m, v) = ([1.0, -2, 3], [0.0, 0, 0], [0.0, 0, 0])
    for step in 1...5 {
      try session.run(program)
      for i in 0..<3 {
        let g = 3 * value[i] * value[i]
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g * g
        let (mh, vh) = (m[i] / (1 - power(0.9, step)), v[i] / (1 - power(0.999, step)))
        value[i] -= 0.1 * mh / (vh.squareRoot() + 1e-8)
      }
      let got = try session.value(of: w).doubles
      for i in 0..<3 { #expect(abs(got[i] - value[i]) < 1e-5, "step \(step): \(got) is not \(value)") }
    }
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { result, _ in result * base }
  }
}
