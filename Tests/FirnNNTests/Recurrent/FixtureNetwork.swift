import FirnFormats
import FirnGraph
import FirnNN
import Testing

/// The layer that a fixture's name, `lstm-3-bi`, and its framework stand for.
struct FixtureNetwork {
  let layer: RNN
  let network: RecurrentNetwork
  let layout: RecurrentLayout

  init(_ fixture: Fixture, _ layout: RecurrentLayout) throws {
    let words = fixture.name.split(separator: "-").map(String.init)
    let layers = try #require(words.compactMap { Int($0) }.first)
    let both = words.contains("bi")
    let hasPeepholes = words.contains("peephole")
    let projection = words.contains("projection") ? 2 : nil
    self.layout = layout
    let cell: RecurrentNetwork.Cell
    switch words[0] {
    case "lstm":
      cell = .lstm
      layer = LSTM(
        4, hasPeepholes: hasPeepholes, projection: projection, layers: layers, isBidirectional: both,
        name: "net")
    case "gru":
      let resetAfter = layout == .pyTorch || (layout == .keras && !words.contains("before"))
      cell = .gru(resetAfter: resetAfter)
      layer = GRU(4, resetAfter: resetAfter, layers: layers, isBidirectional: both, name: "net")
    default:
      cell = .simple
      layer = SimpleRNN(
        4, activation: words[0] == "relu" ? .relu : .tanh, layers: layers, isBidirectional: both, name: "net")
    }
    network = RecurrentNetwork(
      cell, layers: layers, isBidirectional: both, hasPeepholes: hasPeepholes,
      hasProjection: projection != nil)
  }

  /// How many states there are in all.
  var stateCount: Int {
    network.layers * (network.isBidirectional ? 2 : 1) * (network.cell == .lstm ? 2 : 1)
  }

  /// The framework's weights as those of a layer of scope `net`.
  func converting(_ weights: [String: NDArray]) throws -> [String: NDArray] {
    try network.converting(weights, from: layout, to: .firn(scope: "net"))
  }

  /// Gradients move as weights do, but for what is added on the way.
  ///
  /// The forget bias is no part of one, and where two biases are one here each has the gradient of their sum, so
  /// taking one of them is right.
  func converting(gradients: [String: NDArray]) throws -> [String: NDArray] {
    var moved = gradients
    if layout == .pyTorch, network.cell != .gru(resetAfter: true) {
      for (name, array) in moved where name.hasPrefix("bias_hh") {
        moved[name] = try NDArray(zeros: array.shape, dtype: array.dtype)
      }
    }
    let source = if case .tensorFlow1 = layout { RecurrentLayout.tensorFlow1(forgetBias: 0) } else { layout }
    return try network.converting(moved, from: source, to: .firn(scope: "net"))
  }

  /// The names of Firn's variables that the framework's frozen weights are, in order.
  func frozen(_ names: [String], of weights: [String: NDArray]) throws -> [String] {
    let marked = Dictionary(
      uniqueKeysWithValues: try weights.map { name, array in
        let mark = names.contains(name) ? 1.0 : 0
        return (name, try NDArray(array.doubles.map { _ in mark }, shape: array.shape))
      })
    return try converting(gradients: marked).filter { $0.value.doubles.allSatisfy { $0 == 1 } }.keys.sorted()
  }
}
