import FirnGraph
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

let plainDescent = SGD(learningRate: 0.1)

func quietSession(_ graph: Graph, seed: UInt64 = 0) throws -> Session {
  let session = try Session(graph, seed: seed)
  session.onWarning = { _ in }
  return session
}

func variables(of graph: Graph) throws -> [Tensor] {
  try graph.variables.map { try #require(graph.tensor(named: $0.name)) }
}

/// Numbers without pattern on -1..<1, the same in every run.
func noise(_ shape: [Int], _ dtype: DType = .f64) throws -> NDArray {
  try Initializer.uniform(-1, 1).values(shape: shape, seed: 7).converted(to: dtype)
}

/// Compares gradients of a loss with central differences in `f64`.
func checkGradients(
  of loss: Tensor, by variables: [Tensor], in session: Session, inTrainingMode: Bool = false
) throws {
  let gradients = session.graph.gradients(of: [loss], withRespectTo: variables)
  let program = try session.compile(fetching: gradients, inTrainingMode: inTrainingMode)
  let forward = try session.compile(fetching: [loss], inTrainingMode: inTrainingMode)
  let results = try session.run(program)
  for (variable, gradient) in zip(variables, gradients) {
    let analytic = try results[gradient].doubles
    let original = try session.value(of: variable)
    let scale = analytic.map(abs).max() ?? 0
    for element in 0..<original.elementCount {
      func value(_ step: Double) throws -> Double {
        var values = original.doubles
        values[element] += step
        try session.setValue(NDArray(values, shape: original.shape), of: variable)
        return try session.run(forward).scalar(loss)
      }
      let numeric = (try value(1e-5) - value(-1e-5)) / 2e-5
      #expect(
        abs(numeric - analytic[element]) <= 1e-6 * max(1e-3, scale),
        "\(variable.name)[\(element)]: \(analytic[element]) is not \(numeric)")
    }
    try session.setValue(original, of: variable)
  }
}
