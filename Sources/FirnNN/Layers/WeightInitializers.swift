public import FirnGraph

/// First values of a layer's kernels and biases; nil for the default.
///
///     Dense(10, initializers: WeightInitializers(kernel: .heNormal, bias: .constant(0.1)))
///     LSTM(64, initializers: WeightInitializers(recurrentKernel: .blocks(otherwise: .orthogonal())))
///
/// | variable | where nil | whose |
/// | --- | --- | --- |
/// | `kernel` | the scope's default, else Glorot uniform | all |
/// | `recurrent_kernel` | orthogonal | recurrent cells |
/// | `bias` | zeros, and an LSTM's `forgetBias` in the block `forget` | all that have one |
/// | `recurrent_bias` | zeros | a GRU with reset after |
///
/// What a layer has no variable for does nothing. The defaults are Keras's. PyTorch draws kernels and biases evenly
/// from ±1/√in, recurrent ones from ±1/√units: `.varianceScaling(scale: 1 / 3, mode: .fanIn, distribution: .uniform)`
/// for a kernel, `.uniform(-limit, limit)` for the others.
///
/// In a gated cell an initialiser is for all gates together. `Initializer.blocks` gives each gate its own, by the names
/// the cell's page lists. What is given here for the bias replaces `forgetBias` too.
public struct WeightInitializers: Hashable, Sendable {
  /// Of `kernel`, what the input is multiplied by.
  public var kernel: Initializer?
  /// Of `recurrent_kernel`, what the state is multiplied by.
  public var recurrentKernel: Initializer?
  /// Of `bias`.
  public var bias: Initializer?
  /// Of `recurrent_bias`, the second bias of a GRU with reset after.
  public var recurrentBias: Initializer?

  /// The given ones, and the defaults for the others.
  public init(
    kernel: Initializer? = nil, recurrentKernel: Initializer? = nil, bias: Initializer? = nil,
    recurrentBias: Initializer? = nil
  ) {
    self.kernel = kernel
    self.recurrentKernel = recurrentKernel
    self.bias = bias
    self.recurrentBias = recurrentBias
  }
}
