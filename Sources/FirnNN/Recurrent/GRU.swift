import FirnGraph

/// A gated recurrent unit layer as one `scan`, or a stack of them.
///
///     r, z = σ(x·W + b + h·U + d) of their block
///     n = tanh(x·W + b + r ∘ (h·U + d)) of its
///     h' = (1 - z) ∘ n + z ∘ h
///
/// PyTorch's `nn.GRU`, Keras's `GRU` with `reset_after=True`, its default. Called, it gives the last output; `run`
/// gives all of them and the states.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, time, in]`, `f32` or `f64` as all others | |
/// | `kernel` W | `[in, 3·units]`, blocks r z n, named `reset`, `update`, `new`; Keras has z r h | `kernel` |
/// | `recurrent_kernel` U | `[units, 3·units]` | `recurrent_kernel` |
/// | `bias` b | `[3·units]`; PyTorch's `bias_ih`, row 0 of Keras's | `bias` |
/// | `recurrent_bias` d | `[3·units]`; PyTorch's `bias_hh`, row 1 of Keras's; none with reset before | `bias` |
/// | result of a call | `[batch, units]` | |
///
/// Names of a stack or of two directions, and constraints (C1 to C7), are those of `RNN`. Cho et al., EMNLP 2014;
/// `GRUCell` has the form that resets before the product.
///
/// - Complexity: 6·batch·units·(in + units) FLOPs a step for the products; see `RNN`.
public final class GRU: RNN {
  /// A layer, or a stack of `layers` of them.
  ///
  /// - Parameters:
  ///   - units: the width of the state and of the output.
  ///   - resetAfter: whether r scales the recurrent product (PyTorch, cuDNN, Keras), rather than the state it is made
  ///     of (the paper, TensorFlow 1).
  ///   - layers: how many lie one on the other, each reading the outputs of the one below.
  ///   - isBidirectional: whether each layer also runs from the end; outputs are joined to `2·units`, forward first.
  ///   - dropout: the rate between layers, not after the last, in training mode only.
  ///   - initializers: first values of kernels and biases, gate by gate where wanted.
  ///   - options: layout, initial state and what else is seldom changed.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    _ units: Int, resetAfter: Bool = true, layers: Int = 1, isBidirectional: Bool = false,
    dropout: Double = 0,
    initializers: WeightInitializers = WeightInitializers(), options: RecurrentOptions = RecurrentOptions(),
    trainable: Bool? = nil, name: String = "gru", file: StaticString = #fileID, line: UInt = #line
  ) {
    super.init(
      stack: GRUCell(units, resetAfter: resetAfter, initializers: initializers).stacked(layers),
      isBidirectional: isBidirectional, dropout: dropout, options: options, trainable: trainable, name: name,
      location: CallSite(file, line))
  }
}
