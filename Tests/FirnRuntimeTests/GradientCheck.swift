import FirnGraph
import FirnOps
import FirnRuntime
import Testing

/// Compares gradients of a loss with central differences, both in `f64`, for every element of every variable.
///
/// - Parameter relative: the largest difference allowed, relative to the largest gradient of the variable.
func checkGradients(
  of loss: Tensor, by variables: [Tensor], in session: Session, feeding feeds: Feeds = [:],
  relative: Double = 1e-6,
  step: Double = 1e-5, sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  let gradients = session.graph.gradients(of: [loss], withRespectTo: variables)
  let program = try session.compile(fetching: gradients)
  let forward = try session.compile(fetching: [loss])
  let results = try session.run(program, feeding: feeds)
  for (variable, gradient) in zip(variables, gradients) {
    let analytic = try results[gradient].doubles
    let original = try session.value(of: variable)
    let scale = max(1e-3, analytic.map(abs).max() ?? 0)
    for element in 0..<original.elementCount {
      var values = original.doubles
      values[element] += step
      try session.setValue(NDArray(values, shape: original.shape), of: variable)
      let above = try session.run(forward, feeding: feeds).scalar(loss)
      values[element] -= 2 * step
      try session.setValue(NDArray(values, shape: original.shape), of: variable)
      let below = try session.run(forward, feeding: feeds).scalar(loss)
      let numeric = (above - below) / (2 * step)
      #expect(
        abs(numeric - analytic[element]) <= relative * scale,
        "\(variable.name)[\(element)]: \(analytic[element]) is not \(numeric)", sourceLocation: sourceLocation
      )
    }
    try session.setValue(original, of: variable)
  }
}

/// Numbers without pattern on -1..<1, the same in every run.
func noise(_ shape: [Int], _ name: String = "noise") throws -> NDArray {
  try Initializer.uniform(-1, 1).sample(ArrayType(.f64, shape), seed: 7, name: name)
}
