import FirnGraph
public import FirnOps

/// A layer-normalised LSTM layer, or a stack of them.
///
/// `LayerNormLSTMCell` has the formula and the variables, `RNN` everything that layers have in common.
public final class LayerNormLSTM: RNN {
  /// - Parameters:
  ///   - forgetBias: first value of the forget gate's bias.
  ///   - initializers: first values, gate by gate where wanted.
  public init(
    _ units: Int, forgetBias: Double = 1,
    initializers: GateInitializers = GateInitializers(),
    layers: Int = 1, isBidirectional: Bool = false, isReversed: Bool = false,
    layout: SequenceLayout = .batchMajor, initialState: InitialState = .zeros, dropout: Double = 0,
    stateDropout: Double = 0, recomputation: Recomputation = .none, trainable: Bool? = nil,
    name: String = "layer_norm_lstm",
    file: StaticString = #fileID,
    line: UInt = #line
  ) {
    let cell = LayerNormLSTMCell(units, forgetBias: forgetBias, initializers: initializers)
    super.init(
      stack: Array(repeating: cell, count: max(layers, 0)), isBidirectional: isBidirectional,
      isReversed: isReversed,
      layout: layout, initialState: initialState, dropout: dropout, stateDropout: stateDropout,
      recomputation: recomputation, trainable: trainable, name: name, location: CallSite(file, line))
  }
}
