public import FirnGraph

/// The form of a recurrent network, enough to tell which weights it has; converts them between layouts.
///
///     let network = RecurrentNetwork(.lstm, layers: 3, isBidirectional: true)
///     let weights = try network.converting(stateDict, from: .pyTorch, to: .firn(scope: "encoder/lstm"))
///
/// Elements move unchanged but for two sums, which round once in the arrays' type: PyTorch's two biases of a plain cell
/// or an LSTM are one elsewhere (on the way to PyTorch the second is zero), and TensorFlow 1's forget bias is part of
/// the bias elsewhere. So Firn → PyTorch → Firn and Firn → Keras → Firn are lossless, as is any way between Firn,
/// PyTorch and Keras for a GRU.
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

  /// A network of `layers` of one cell.
  ///
  /// - Parameters:
  ///   - cell: what a step computes.
  ///   - layers: how many lie one on the other.
  ///   - isBidirectional: whether each layer also runs from the end.
  ///   - hasPeepholes: whether the gates see the cell's state; LSTM only.
  ///   - hasProjection: whether the hidden state is projected; LSTM only.
  public init(
    _ cell: Cell, layers: Int = 1, isBidirectional: Bool = false, hasPeepholes: Bool = false,
    hasProjection: Bool = false
  ) {
    self.cell = cell
    self.layers = layers
    self.isBidirectional = isBidirectional
    self.hasPeepholes = hasPeepholes && cell == .lstm
    self.hasProjection = hasProjection && cell == .lstm
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
    for layout in [source, target] {
      if let reason = layout.refusal(of: self) {
        throw FirnError(
          .invalidArgument, reason, remedy: "convert to a layout that has this cell, or use the other cell")
      }
    }
    var reader = WeightReader(weights)
    var result: [String: NDArray] = [:]
    var hidden: Int?
    for layer in 0..<max(layers, 0) {
      var width = 0
      for isBackward in isBidirectional ? [false, true] : [false] {
        reader.place = source.place(layer: layer, isBackward: isBackward, of: self)
        let part = try CellWeights(reading: &reader, layout: source, network: self, features: hidden)
        width += part.recurrentKernel.rows
        let place = target.place(layer: layer, isBackward: isBackward, of: self)
        for (name, matrix) in part.arrays(in: target, network: self) {
          result[place.prefix + name + place.suffix] = try matrix.array
        }
      }
      hidden = width
    }
    try reader.finish()
    return result
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
