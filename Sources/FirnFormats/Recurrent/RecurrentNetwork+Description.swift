extension RecurrentNetwork: CustomStringConvertible {
  /// In words: `3 layers of LSTM cells in both directions, with peepholes`.
  public var description: String {
    let cells =
      switch cell {
      case .simple: "simple cells"
      case .lstm: "LSTM cells"
      case .gru(let resetAfter): "GRU cells (reset \(resetAfter ? "after" : "before"))"
      }
    return "\(layers) layer\(layers == 1 ? "" : "s") of \(cells)"
      + (isBidirectional ? " in both directions" : "") + (hasPeepholes ? ", with peepholes" : "")
      + (hasProjection ? ", with a projection" : "")
      + (biases == .none ? ", without biases" : biases == .separate ? ", with two biases" : "")
  }
}

extension RecurrentLayout: CustomStringConvertible {
  /// Whose layout it is: `PyTorch`, `Firn in encoder/lstm`, `TensorFlow 1 with forget bias 1.0`.
  public var description: String {
    switch self {
    case .firn(let scope): scope.isEmpty ? "Firn" : "Firn in \(scope)"
    case .pyTorch: "PyTorch"
    case .keras: "Keras"
    case .kerasCuDNN: "Keras's CuDNN layers"
    case .tensorFlow1(let forgetBias): "TensorFlow 1 with forget bias \(forgetBias)"
    }
  }
}
