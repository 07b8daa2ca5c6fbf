import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import Testing

/// Outputs, final states and gradients as PyTorch, Keras and TensorFlow 1 have them.
@Suite struct ParityTests {
  static func tolerance(_ dtype: DType) -> Double { dtype == .f64 ? 1e-12 : 2e-6 }

  @Test(arguments: [DType.f64, .f32]) func pyTorch(_ dtype: DType) throws {
    let fixtures = try Fixture.load("torch.json")
    #expect(fixtures.count == 18)
    for fixture in fixtures {
      let words = fixture.name.split(separator: "-")
      let (layers, both) = (try #require(Int(words[1])), words[2] == "bi")
      let projection = fixture.weights["weight_hr_l0"].map { $0.shape[0] }
      let (layer, cell): (RNN, RecurrentNetwork.Cell) =
        switch words[0] {
        case "lstm":
          (LSTM(4, projection: projection, layers: layers, isBidirectional: both, name: "net"), .lstm)
        case "gru": (GRU(4, layers: layers, isBidirectional: both, name: "net"), .gru(resetAfter: true))
        default:
          (
            SimpleRNN(
              4, activation: words[0] == "relu" ? .relu : .tanh, layers: layers, isBidirectional: both,
              name: "net"), .simple
          )
        }
      let network = RecurrentNetwork(
        cell, layers: layers, isBidirectional: both, hasProjection: projection != nil)
      let directions = layers * (both ? 2 : 1)

      let graph = Graph()
      let x = graph.variable(
        "x", shape: [2, 5, 3], dtype: dtype, initializer: .array(try fixture.input("x", dtype)))
      let stateNames = words[0] == "lstm" ? ["h", "c"] : ["h"]
      let stacked = try stateNames.map { name in
        let array = try fixture.input(name, dtype)
        return graph.variable(name, shape: Shape(array.shape), dtype: dtype, initializer: .array(array))
      }
      let lengths = try fixture.lengths.map { graph.constant($0) }
      let start = (0..<directions).flatMap { place in
        stacked.map {
          $0.slice(axis: 0, from: Dimension(place), to: Dimension(place + 1)).squeezed(axes: [0])
        }
      }
      let output = layer.run(x, lengths: lengths, initialState: start)
      let finals = stateNames.indices.map { number in
        stack((0..<directions).map { output.states[$0 * stateNames.count + number] })
      }
      var results = ["sequence": output.sequence]
      for (name, final) in zip(stateNames, finals) { results[name] = final }
      try compare(
        fixture, results, network, .pyTorch, graph, dtype)
    }
  }

  @Test(arguments: [DType.f64, .f32]) func keras(_ dtype: DType) throws {
    for fixture in try Fixture.load("keras.json") {
      let (layer, cell): (RNN, RecurrentNetwork.Cell) =
        switch fixture.name {
        case "keras-simple": (SimpleRNN(4, name: "net"), .simple)
        case "keras-lstm": (LSTM(4, name: "net"), .lstm)
        case "keras-gru": (GRU(4, name: "net"), .gru(resetAfter: true))
        default: (GRU(4, resetAfter: false, name: "net"), .gru(resetAfter: false))
        }
      let graph = Graph()
      let x = graph.variable(
        "x", shape: [2, 5, 3], dtype: dtype, initializer: .array(try fixture.input("x", dtype)))
      let output = layer.run(x)
      var results = ["sequence": output.sequence, "h": output.states[0]]
      if cell == .lstm { results["c"] = output.states[1] }
      try compare(fixture, results, RecurrentNetwork(cell), .keras, graph, dtype)
    }
  }

  @Test(arguments: [DType.f64, .f32]) func tensorFlow1(_ dtype: DType) throws {
    for fixture in try Fixture.load("tensorflow1.json") {
      let isWide = fixture.name.contains("peephole")
      let (layer, cell): (RNN, RecurrentNetwork.Cell) =
        fixture.name == "tf1-gru"
        ? (GRU(4, resetAfter: false, name: "net"), .gru(resetAfter: false))
        : (LSTM(4, hasPeepholes: isWide, projection: isWide ? 2 : nil, name: "net"), .lstm)
      let network = RecurrentNetwork(cell, hasPeepholes: isWide, hasProjection: isWide)
      let graph = Graph()
      let x = graph.variable(
        "x", shape: [2, 5, 3], dtype: dtype, initializer: .array(try fixture.input("x", dtype)))
      let output = layer.run(x, lengths: try fixture.lengths.map { graph.constant($0) })
      var results = ["sequence": output.sequence, "h": output.states[0]]
      if cell == .lstm { results["c"] = output.states[1] }
      try compare(fixture, results, network, .tensorFlow1(), graph, dtype)
    }
  }

  /// Sets the weights, runs, and compares everything the fixture has, gradients in the fixture's own layout.
  private func compare(
    _ fixture: Fixture, _ results: [String: Tensor], _ network: RecurrentNetwork, _ layout: RecurrentLayout,
    _ graph: Graph, _ dtype: DType
  ) throws {
    let names = results.keys.sorted()
    let tensors = try names.map { try #require(results[$0]) }
    let parameters = try variables(of: graph)
    let gradients: [Tensor] =
      fixture.gradients.isEmpty
      ? []
      : graph.gradients(
        of: tensors, withRespectTo: parameters,
        seeds: try names.map { graph.constant(try #require(fixture.seeds[$0]).array(dtype)) })
    let session = try quietSession(graph)
    let weights = try network.convert(fixture.weights(dtype), from: layout, to: .firn(scope: "net"))
    for (name, array) in weights { try session.setValue(array, of: name) }
    let run = try session.run(session.compile(fetching: tensors + gradients))
    let tolerance = Self.tolerance(dtype)
    for (name, tensor) in zip(names, tensors) {
      let apart = difference(try run[tensor], try #require(fixture.results[name]))
      #expect(apart <= tolerance, "\(fixture.name) \(dtype): \(name) is \(apart) apart")
    }
    for (parameter, gradient) in zip(parameters, gradients) {
      for (name, expected) in try expected(parameter.name, fixture, network, layout) {
        let apart = difference(try run[gradient], expected)
        #expect(apart <= tolerance, "\(fixture.name) \(dtype): gradient of \(name) is \(apart) apart")
      }
    }
  }

  /// The gradient of a Firn variable by the fixture, moved as the weights are.
  ///
  /// Where two biases are one here, each
  /// has the gradient of their sum; taking one of them is right.
  private func expected(
    _ variable: String, _ fixture: Fixture, _ network: RecurrentNetwork, _ layout: RecurrentLayout
  ) throws -> [(String, Fixture.Numbers)] {
    if let input = fixture.gradients[variable] { return [(variable, input)] }
    var moved = try fixture.gradients.filter { fixture.weights[$0.key] != nil }.mapValues { try $0.array() }
    if case .pyTorch = layout, network.cell != .gru(resetAfter: true) {
      for (name, array) in moved where name.hasPrefix("bias_hh") {
        moved[name] = NDArray(zeros: array.shape, dtype: .f64)
      }
    }
    let converted = try network.convert(moved, from: layout, to: .firn(scope: "net"))
    let array = try #require(converted[variable], "no gradient of \(variable)")
    return [(variable, Fixture.Numbers(shape: array.shape, values: array.doubles))]
  }
}
