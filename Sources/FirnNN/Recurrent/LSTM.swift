import FirnGraph
public import FirnOps

/// A long short-term memory layer as one `scan`, or a stack of them.
///
///     i, f, o = σ(x·W + h·U + b) of their block,  g = tanh(…) of its
///     c' = f ∘ c + i ∘ g,   h' = o ∘ tanh(c')
///
/// Hochreiter & Schmidhuber, Neural Computation 9 (1997), with the forget gate of Gers, Schmidhuber & Cummins (2000).
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, time, in]` | |
/// | `kernel` | `[in, 4·units]`, blocks i f g o, named `input`, `forget`, `cell`, `output` | `kernel` |
/// | `recurrent_kernel` | `[units, 4·units]` | `recurrent_kernel` |
/// | `bias` | `[4·units]` | `bias` |
///
/// `LSTMCell` documents peepholes and projection, `RNN` everything that layers have in common.
///
/// Constraints: (C1) x has three axes, the last a known number.
///
/// - Complexity: 8·batch·units·(in + units) FLOPs a step for the products.
public final class LSTM: RNN {
  /// - Parameters:
  ///   - forgetBias: first value of the forget gate's bias; 1 by default (Jozefowicz et al., ICML 2015).
  ///   - hasPeepholes: whether the gates see the cell's state.
  ///   - projection: the width the output is projected to; nil for none.
  ///   - initializers: first values, gate by gate where wanted.
  public init(
    _ units: Int, forgetBias: Double = 1, hasPeepholes: Bool = false, projection: Int? = nil,
    initializers: GateInitializers = GateInitializers(),
    layers: Int = 1, isBidirectional: Bool = false, isReversed: Bool = false,
    layout: SequenceLayout = .batchMajor, initialState: InitialState = .zeros, dropout: Double = 0,
    stateDropout: Double = 0, recomputation: Recomputation = .none, trainable: Bool? = nil,
    name: String = "lstm", file: StaticString = #fileID,
    line: UInt = #line
  ) {
    let cell = LSTMCell(
      units, forgetBias: forgetBias, hasPeepholes: hasPeepholes, projection: projection,
      initializers: initializers)
    super.init(
      stack: Array(repeating: cell, count: max(layers, 0)), isBidirectional: isBidirectional,
      isReversed: isReversed,
      layout: layout, initialState: initialState, dropout: dropout, stateDropout: stateDropout,
      recomputation: recomputation, trainable: trainable, name: name, location: CallSite(file, line))
  }
}
