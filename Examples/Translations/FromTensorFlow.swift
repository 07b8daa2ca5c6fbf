import Firn

/// The Firn side of Docs/FromTensorFlow.md; each function holds one of its blocks.
extension Classifier {
  func listOfVariables() throws -> Program {
    let step = try session.compile(minimizing: loss, with: Adam(), freezing: "encoder")
    return step
  }

  func byScope() throws -> [String] {
    let encoder = try session.snapshot("encoder").values.map(\.name)
    return encoder
  }

  func declared() throws -> (asDeclared: Program, thawed: Program) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 4])
    let code = graph.scope("features", trainable: false, initializer: .orthogonal()) { Dense(8)(x) }
    let loss = square(Dense(1, name: "head")(code)).mean()

    let session = try Session(graph)
    session.onWarning = { _ in }
    let asDeclared = try session.compile(minimizing: loss, with: Adam())
    let thawed = try session.compile(minimizing: loss, with: Adam(), thawing: "features/dense/bias")
    return (asDeclared, thawed)
  }

  func afterCompile() throws -> (first: Program, second: Program) {
    let first = try session.compile(minimizing: loss, with: Adam(), freezing: "encoder")
    let second = try session.compile(minimizing: loss, with: Adam(learningRate: 1e-5))
    return (first, second)
  }

  func stopGradientOneLayerTooHigh() throws -> LintReport {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 4])
    let first = LSTM(8, name: "first").run(x).sequence
    let second = stopGradient(LSTM(8, name: "second").run(first).sequence)
    let loss = square(LSTM(8, name: "third")(second)).mean()

    let program = try Session(graph).compile(minimizing: loss, with: Adam())
    for finding in try program.lint() { print(finding.code.rawValue, finding.message) }
    return try program.lint()
  }

  func fixedMatrix() throws -> (Program, [String]) {
    struct PartlyFixed: RecurrentCell {
      let stateShapes: [Shape] = [[8]]
      func makeWeights(_ make: CellVariables) -> [Tensor] {
        [
          make("W_fixed", [make.features, 8], role: "kernel"),
          make("W_trainable", [8, 8], role: "recurrent_kernel", initializer: .orthogonal()),
        ]
      }
      func step(_ input: Tensor, _ state: CellState, _ weights: [Tensor]) -> CellStep {
        CellStep([tanh(matmul(input, weights[0]) + matmul(state[0], weights[1]))])
      }
    }
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 4])
    let loss = square(RNN(PartlyFixed(), name: "cell")(x)).mean()

    let session = try Session(graph)
    session.onWarning = { _ in }
    let step = try session.compile(minimizing: loss, with: Adam(), freezing: "cell/W_fixed")
    return (step, graph.variables.map(\.name))
  }

  func initializers() throws -> Graph {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 4])
    let logits = graph.scope("model", initializer: .heNormal) {
      let hidden = Dense(8, activation: .relu)(x)
      return Dense(2, initializers: WeightInitializers(kernel: .glorotUniform, bias: .constant(0.1)))(hidden)
    }
    _ = logits
    return graph
  }

  func defaultsOfKeras() throws -> Tensor {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 4])
    let normalized = BatchNorm(convention: .keras)(x)
    let code = LSTM(8, recurrentActivation: .keras2HardSigmoid)(normalized)
    try graph.validate()
    return code
  }

  func getAndSetWeights() throws -> Bool {
    let kernel = try session.value(of: "head/kernel")
    try session.setValue(NDArray(zeros: [16, 4]), of: "head/kernel")
    try session.setValue(kernel, of: "head/kernel")
    return try session.value(of: "head/kernel") == kernel
  }

  func restorePart(from other: Session) throws {
    try session.restore(other.snapshot("encoder"))
  }

  func missingGradient() throws -> FirnError? {
    let graph = Graph()
    let x = graph.variable("x", shape: [3])
    let y = graph.variable("y", shape: [3])
    let loss = (stopGradient(x) * y).sum()
    let gradient = graph.gradients(of: [loss], withRespectTo: [x])[0]
    do {
      _ = try Session(graph).compile(fetching: [gradient])
      return nil
    } catch {
      print(error)
      return error
    }
  }

  func lengths() throws -> NDArray {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 4])
    let lengths = graph.placeholder("lengths", shape: ["batch"], dtype: .i32)
    let output = GRU(8).run(x, lengths: lengths)

    let session = try Session(graph)
    let program = try session.compile(fetching: [output.sequence, output.hidden])
    let results = try session.run(
      program, feeding: [x: NDArray(zeros: [2, 5, 4]), lengths: NDArray([5, 3] as [Int32])])
    return try results[output.sequence]
  }

  func weightsOfKeras() throws -> [String] {
    let network = RecurrentNetwork(.lstm)
    let keras = try [
      "kernel": NDArray(zeros: [8, 64]), "recurrent_kernel": NDArray(zeros: [16, 64]),
      "bias": NDArray(zeros: [64]),
    ]
    let weights = try network.converting(keras, from: .keras, to: .firn(scope: "lstm"))
    return weights.keys.sorted()
  }
}
