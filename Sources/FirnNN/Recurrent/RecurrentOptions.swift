public import FirnOps

/// What recurrent layers of any cell seldom change, with its defaults.
///
///     LSTM(64, options: RecurrentOptions(initialState: .carried))
///     GRU(128, layers: 2, dropout: 0.2, options: RecurrentOptions(stateDropout: 0.2, recomputation: .every(16)))
///
/// | | default | PyTorch | Keras |
/// | --- | --- | --- | --- |
/// | `layout` | `.batchMajor` | `batch_first=True` | always batch first |
/// | `isReversed` | false | | `go_backwards=True`, but outputs stay at their positions |
/// | `initialState` | `.zeros` | `h_0`, `c_0` of a call | `.carried`: `stateful=True` |
/// | `stateDropout` | 0 | | `recurrent_dropout` |
/// | `recomputation` | `.none` | `torch.utils.checkpoint` | |
public struct RecurrentOptions: Hashable, Sendable {
  /// Which axis of the input and of the output's sequence is time.
  public var layout: SequenceLayout
  /// Whether the forward direction runs from the end; outputs stay at their positions.
  ///
  /// In a bidirectional layer the backward direction then runs from the start.
  public var isReversed: Bool
  /// The states before the first step, where a call gives none.
  public var initialState: InitialState
  /// The share on 0...1 of the first state's elements that products read as zero, in training mode only.
  ///
  /// One mask for all steps of a run; the others are scaled by 1 / (1 - rate). Gal and Ghahramani, NeurIPS 2016,
  /// equation 7.
  public var stateDropout: Double
  /// What each loop keeps for its gradient; `.every(n)` computes the steps between again, for less memory.
  public var recomputation: Recomputation

  /// The given ones, and the defaults for the others.
  public init(
    layout: SequenceLayout = .batchMajor, isReversed: Bool = false, initialState: InitialState = .zeros,
    stateDropout: Double = 0, recomputation: Recomputation = .none
  ) {
    self.layout = layout
    self.isReversed = isReversed
    self.initialState = initialState
    self.stateDropout = stateDropout
    self.recomputation = recomputation
  }
}
