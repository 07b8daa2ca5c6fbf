import FirnGraph
public import FirnOps

/// A plain recurrent layer, or a stack of them.
///
/// `SimpleRNNCell` has the formula and the variables, `RNN` everything that layers have in common.
public final class SimpleRNN: RNN {
  /// - Parameters:
  ///   - activation: what is applied to the sum of the products.
  ///   - initializers: first values, gate by gate where wanted.
  public init(
    _ units: Int, activation: Activation = .tanh,
    initializers: GateInitializers = GateInitializers(),
    layers: Int = 1, isBidirectional: Bool = false, isReversed: Bool = false,
    layout: SequenceLayout = .batchMajor, initialState: InitialState = .zeros, dropout: Double = 0,
    stateDropout: Double = 0, recomputation: Recomputation = .none, trainable: Bool? = nil,
    name: String = "rnn", file: StaticString = #fileID,
    line: UInt = #line
  ) {
    let cell = SimpleRNNCell(units, activation: activation, initializers: initializers)
    super.init(
      stack: Array(repeating: cell, count: max(layers, 0)), isBidirectional: isBidirectional,
      isReversed: isReversed,
      layout: layout, initialState: initialState, dropout: dropout, stateDropout: stateDropout,
      recomputation: recomputation, trainable: trainable, name: name, location: CallSite(file, line))
  }
}
