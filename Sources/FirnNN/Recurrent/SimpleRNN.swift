import FirnGraph

/// A plain recurrent layer, h' = activation(x·W + h·U + b + d), or a stack of them.
///
/// PyTorch's `nn.RNN`, Keras's `SimpleRNN`. Called, it gives the last output; `run` gives all of them and the states.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, time, in]`, `f32` or `f64` as all others | |
/// | `kernel` W | `[in, units]` | `kernel` |
/// | `recurrent_kernel` U | `[units, units]` | `recurrent_kernel` |
/// | `bias` b | `[units]`; of PyTorch's two the sum, unless there are two | `bias` |
/// | `recurrent_bias` d | `[units]`, where there are two | `bias` |
/// | result of a call | `[batch, units]` | |
///
/// Names of a stack or of two directions, and constraints (C1 to C7), are those of `RNN`. Elman, Cognitive Science 14
/// (1990).
///
/// - Complexity: 2·batch·units·(in + units) FLOPs a step for the products; see `RNN`.
public final class SimpleRNN: RNN {
  /// A layer, or a stack of `layers` of them.
  ///
  /// - Parameters:
  ///   - units: the width of the state and of the output.
  ///   - activation: what is applied to the sum of the products.
  ///   - biases: one, none, or two as PyTorch trains them.
  ///   - layers: how many lie one on the other, each reading the outputs of the one below.
  ///   - isBidirectional: whether each layer also runs from the end; outputs are joined to `2·units`, forward first.
  ///   - dropout: the rate between layers, not after the last, in training mode only.
  ///   - initializers: first values of kernels and bias.
  ///   - options: layout, initial state and what else is seldom changed.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    _ units: Int, activation: Activation = .tanh, biases: RecurrentBiases = .joint, layers: Int = 1,
    isBidirectional: Bool = false, dropout: Double = 0,
    initializers: WeightInitializers = WeightInitializers(),
    options: RecurrentOptions = RecurrentOptions(), trainable: Bool? = nil, name: String = "rnn",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    super.init(
      stack: SimpleRNNCell(units, activation: activation, biases: biases, initializers: initializers)
        .stacked(layers),
      isBidirectional: isBidirectional, dropout: dropout, options: options, trainable: trainable, name: name,
      location: CallSite(file, line))
  }
}
