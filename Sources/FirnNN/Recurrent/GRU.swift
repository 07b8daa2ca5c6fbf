import FirnGraph
public import FirnOps

/// A gated recurrent unit layer, or a stack of them.
///
/// `GRUCell` has the formula and the variables, `RNN` everything that layers have in common.
public final class GRU: RNN {
  /// - Parameters:
  ///   - resetAfter: whether r scales the recurrent product, rather than the state it is made of.
  ///   - initializers: first values, gate by gate where wanted.
  public init(
    _ units: Int, resetAfter: Bool = true,
    initializers: GateInitializers = GateInitializers(),
    layers: Int = 1, isBidirectional: Bool = false, isReversed: Bool = false,
    layout: SequenceLayout = .batchMajor, initialState: InitialState = .zeros, dropout: Double = 0,
    stateDropout: Double = 0, recomputation: Recomputation = .none, trainable: Bool? = nil,
    name: String = "gru", file: StaticString = #fileID,
    line: UInt = #line
  ) {
    let cell = GRUCell(units, resetAfter: resetAfter, initializers: initializers)
    super.init(
      stack: Array(repeating: cell, count: max(layers, 0)), isBidirectional: isBidirectional,
      isReversed: isReversed,
      layout: layout, initialState: initialState, dropout: dropout, stateDropout: stateDropout,
      recomputation: recomputation, trainable: trainable, name: name, location: CallSite(file, line))
  }
}
