public import FirnGraph

/// First values of the variables that gated cells share; nil for the cell's own.
///
///     LSTM(64, initializers: GateInitializers(recurrentKernel: .blocks(otherwise: .orthogonal())))
///
/// | variable | where nil |
/// | --- | --- |
/// | `kernel` | the scope's default, else Glorot uniform over all gates together |
/// | `recurrent_kernel` | orthogonal over all gates together |
/// | `bias` | zeros, and an LSTM's `forgetBias` in the block `forget` |
/// | `recurrent_bias` | zeros; only a GRU with reset after has it |
///
/// `Initializer.blocks` gives each gate its own, by the names the cell's page lists. What is given here for the bias
/// replaces `forgetBias` too.
public struct GateInitializers: Hashable, Sendable {
  public var kernel: Initializer?
  public var recurrentKernel: Initializer?
  public var bias: Initializer?
  public var recurrentBias: Initializer?

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
