public import FirnGraph

/// Which of the first two axes of a sequence is time.
public enum SequenceLayout: Hashable, Sendable {
  /// `[batch, time, features]`.
  case batchMajor
  /// `[time, batch, features]`: what the loop itself reads, so nothing is transposed.
  case timeMajor
}

/// The state before the first step, where a call gives none.
public enum InitialState: Hashable, Sendable {
  /// Zeros for every sequence, as in PyTorch and Keras.
  case zeros
  /// A variable for each state, `initial_state_0` and so on, of the role `initial_state`, the same for all of a batch.
  case learned(Initializer = .zeros)
  /// The states the last run ended with, Keras's `stateful=True`: state variables `carried_state_0` and so on, of the
  /// role `carried_state`, zero at first, read through a `stop_gradient`.
  ///
  /// This is back-propagation through time truncated at the runs' borders (Williams & Peng, Neural Computation 2,
  /// 1990). A run hands its final states on where it fetches `RecurrentOutput.carry`, so that an evaluation in between
  /// need not disturb the sequence:
  ///
  ///     let output = LSTM(64, options: RecurrentOptions(initialState: .carried)).run(window)
  ///     // window: [32, 20, 8], 32 sequences in pieces of 20 steps
  ///     let step = try session.compile(minimizing: loss, with: Adam(), fetching: output.carry)
  ///     let start = try session.snapshot("role(carried_state)")
  ///     …
  ///     try session.restore(start)  // other sequences begin
  case carried
}

/// What a recurrent layer returns: all outputs, the last one, and the states.
///
/// | | here | PyTorch | Keras |
/// | --- | --- | --- | --- |
/// | all outputs | `sequence` | `output` | `return_sequences=True` |
/// | the last output | `last` | `output[:, -1]` (forward) | the default |
/// | hidden states | `states`, `hidden` | `h_n` | `return_state=True` |
/// | cell states | `states`, `cell` | `c_n` | `return_state=True` |
public struct RecurrentOutput {
  /// The output of every step of the top layer, `[batch, time, out]`, or `[time, batch, out]` by the layer's layout.
  ///
  /// Forward and backward are joined along the last axis; past the end of a sequence it is zero.
  public let sequence: Tensor
  /// The output of the last step of the top layer, `[batch, out]`; of the backward direction, the first one's.
  ///
  /// With `lengths` it is that of each sequence's own last step.
  public let last: Tensor
  /// The states after the last step, as `run(_:lengths:initialState:)` takes them.
  ///
  /// Layer by layer, forward before backward, each cell's in its order, every one `[batch, …]`.
  public let states: [Tensor]
  /// The first state of the top layer, h, `[batch, …]`, directions joined along the last axis.
  public let hidden: Tensor
  /// Fetched, the layer's carried states become the final ones when the run ends; empty unless `initialState` is
  /// `.carried`.
  ///
  /// One tensor for each of `states`, of its value. Where a layer is run twice, fetch those of one run.
  public let carry: [Tensor]
  let topCell: Tensor?

  /// The second state of the top layer, an LSTM's c, directions joined along the last axis; a fault where there is
  /// none.
  public var cell: Tensor {
    topCell
      ?? report(
        "this recurrent layer has one state, no second", remedy: "use `hidden`", code: .invalidArgument,
        hidden)
  }
}
