public import FirnGraph

/// The form of a recurrent network, enough to tell which weights it has; converts them between layouts.
///
///     let network = RecurrentNetwork(.lstm, layers: 3, isBidirectional: true)
///     let weights = try network.converting(stateDict, from: .pyTorch, to: .firn(scope: "encoder/lstm"))
///
/// Elements move unchanged but for two sums, which round once in the arrays' type: PyTorch's two biases of a plain cell
/// or an LSTM, and those of CuDNN's LSTM, are one elsewhere unless `biases` is `.separate` (on the way to PyTorch the
/// second is zero, to CuDNN both are half), and TensorFlow 1's forget bias is part of the bias elsewhere. So Firn →
/// PyTorch → Firn and Firn → Keras → Firn are lossless, as is any way between Firn, PyTorch and Keras for a GRU.
public struct RecurrentNetwork: Hashable, Sendable {
  /// What a step computes, as far as weights tell.
  public enum Cell: Hashable, Sendable {
    /// `SimpleRNNCell`: `nn.RNN`, `BasicRNNCell`.
    case simple
    /// `LSTMCell`.
    case lstm
    /// `GRUCell`; PyTorch's resets after the product, TensorFlow 1's before, Keras's by `reset_after`.
    case gru(resetAfter: Bool)
  }

  /// How many biases a cell has in Firn.
  public enum Biases: Hashable, Sendable {
    /// None, as with `bias=False` in PyTorch and `use_bias=False` in Keras.
    case none
    /// One; of a GRU with reset after, whose two cannot be one, both.
    case joint
    /// `bias` and `recurrent_bias`, which train as PyTorch's two do.
    case separate
  }

  /// The cell of every layer and direction.
  public let cell: Cell
  /// How many lie one on the other.
  public let layers: Int
  /// Whether each layer also runs from the end, with weights of its own.
  public let isBidirectional: Bool
  /// Whether the gates see the cell's state; false of all but an LSTM.
  public let hasPeepholes: Bool
  /// Whether the hidden state is projected; false of all but an LSTM.
  public let hasProjection: Bool
  /// How many biases each cell has in Firn.
  public let biases: Biases

  /// A network of `layers` of one cell.
  ///
  /// - Parameters:
  ///   - cell: what a step computes.
  ///   - layers: how many lie one on the other.
  ///   - isBidirectional: whether each layer also runs from the end.
  ///   - hasPeepholes: whether the gates see the cell's state; LSTM only.
  ///   - hasProjection: whether the hidden state is projected; LSTM only.
  ///   - biases: how many biases each cell has in Firn.
  public init(
    _ cell: Cell, layers: Int = 1, isBidirectional: Bool = false, hasPeepholes: Bool = false,
    hasProjection: Bool = false, biases: Biases = .joint
  ) {
    self.cell = cell
    self.layers = layers
    self.isBidirectional = isBidirectional
    self.hasPeepholes = hasPeepholes && cell == .lstm
    self.hasProjection = hasProjection && cell == .lstm
    self.biases = biases
  }

  /// The same weights in another layout.
  ///
  /// - Parameters:
  ///   - weights: exactly the network's, all of one floating point type, by the names of `source`.
  ///   - source: how they are named and laid out.
  ///   - target: how the result is to be.
  /// - Returns: the same weights by the names of `target`.
  /// - Throws: `.invalidArgument` where a layout has no form for this network, saying why; `.unknownName` where weights
  ///   are missing or are none of the network's; `.shapeMismatch` and `.typeMismatch` naming the weight.
  public func converting(
    _ weights: [String: NDArray], from source: RecurrentLayout, to target: RecurrentLayout
  ) throws(FirnError) -> [String: NDArray] {
    var reader = WeightReader(weights)
    let result = try parts(&reader, from: source, to: target).map { part throws(FirnError) in
      (part.name, try part.weight.array)
    }
    try reader.finish()
    return Dictionary(result, uniquingKeysWith: { $1 })
  }

  /// What a conversion makes of the weights there are, weight by weight.
  struct Converted {
    /// With the names of what each is made from, and whether it is the sum of two.
    var arrays: [(name: String, array: NDArray, sources: [String], isSum: Bool)] = []
    /// What is missing in the source for a name of the target.
    var lacking: [String: [String]] = [:]
    /// Weights that are not what they should be.
    var faults: [(name: String, error: FirnError)] = []
    /// Weights of which nothing could be made, since others are missing.
    var unused: [String] = []
  }

  /// As ``converting(_:from:to:)``, of a network's weights those that are there: each weight of the target is made that
  /// can be, layer by layer.
  ///
  /// - Throws: where a layout has no form for this network.
  func convertingWhatIsThere(
    _ weights: [String: NDArray], from source: RecurrentLayout, to target: RecurrentLayout
  ) throws(FirnError) -> Converted {
    var reader = WeightReader(weights, allowingGaps: true)
    var result = Converted()
    let parts = try parts(&reader, from: source, to: target) { names, missing in
      for name in names { result.lacking[name] = missing }
    }
    for part in parts {
      result.arrays.append((part.name, try part.weight.array, part.weight.sources, part.weight.isSum))
    }
    result.faults = reader.faults
    let used = Set(result.arrays.flatMap(\.sources) + result.faults.map(\.name))
    result.unused = weights.keys.filter { !used.contains($0) }.sorted()
    return result
  }

  private func parts(
    _ reader: inout WeightReader, from source: RecurrentLayout, to target: RecurrentLayout,
    noting note: (_ absent: [String], _ missing: [String]) -> Void = { _, _ in }
  ) throws(FirnError) -> [(name: String, weight: WeightMatrix)] {
    for layout in [source, target] {
      if let reason = layout.refusal(of: self) {
        throw FirnError(
          .invalidArgument, reason, remedy: "convert to a layout that has this cell, or use the other cell")
      }
    }
    var result: [(name: String, weight: WeightMatrix)] = []
    var hidden: Int?
    for layer in 0..<max(layers, 0) {
      // The next layer's input is as wide as both directions together, where these tell.
      var width: Int? = 0
      for isBackward in isBidirectional ? [false, true] : [false] {
        reader.place = source.place(layer: layer, isBackward: isBackward, of: self)
        let known = reader.missing.count
        let part = try CellWeights(reading: &reader, layout: source, network: self, features: hidden)
        width = part.recurrentKernel.flatMap { kernel in width.map { $0 + kernel.rows } }
        let place = target.place(layer: layer, isBackward: isBackward, of: self)
        let own = part.arrays(in: target, network: self).map { name, weight in
          (name: place.prefix + name + place.suffix, weight: weight)
        }
        result += own
        let absent = leaves(in: target).map { place.prefix + $0 + place.suffix }
          .filter { name in !own.contains { $0.name == name } }
        note(absent, Array(reader.missing[known...]))
      }
      hidden = width
    }
    return result
  }

  /// Whether the recurrent product has a bias of its own in Firn.
  var hasRecurrentBias: Bool {
    biases == .separate || biases == .joint && cell == .gru(resetAfter: true)
  }

  /// The blocks of a kernel along its gates.
  var gateCount: Int {
    switch cell {
    case .simple: 1
    case .lstm: 4
    case .gru: 3
    }
  }
}
