import FirnGraph

/// A long short-term memory layer as one `scan`, or a stack of them.
///
///     i, f, o = σ(x·W + h·U + b) of their block,  g = tanh(…) of its
///     c' = f ∘ c + i ∘ g,   h' = o ∘ tanh(c')
///
/// PyTorch's `nn.LSTM`, Keras's `LSTM`. Called, it gives the last output; `run` gives all of them and the states.
///
///     let code = LSTM(128, name: "lstm")(sequence)             // [batch, 128]
///     let output = LSTM(128, layers: 2, dropout: 0.2).run(sequence)
///     output.sequence                                          // [batch, time, 128]
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, time, in]`, `f32` or `f64` as all others | |
/// | `kernel` W | `[in, 4·units]`, blocks i f g o, named `input`, `forget`, `cell`, `output` | `kernel` |
/// | `recurrent_kernel` U | `[hidden, 4·units]` | `recurrent_kernel` |
/// | `bias` b | `[4·units]`; of PyTorch's two the sum | `bias` |
/// | `peephole` | `[3·units]`, blocks i f o, where asked for | `peephole` |
/// | `projection` | `[units, hidden]`, where asked for | `projection` |
/// | result of a call | `[batch, hidden]` | |
///
/// hidden is the projection's width, else units. The gates' order is PyTorch's and Keras's; TensorFlow 1's cells have i
/// g f o. In a step of SGD the one bias moves half as far as the sum of PyTorch's two.
///
/// Names of a stack or of two directions, and constraints (C1 to C7), are those of `RNN`; `LSTMCell` has the formulas
/// of peepholes and projection. Hochreiter & Schmidhuber, Neural Computation 9 (1997), with the forget gate of Gers,
/// Schmidhuber & Cummins (2000).
///
/// - Complexity: 8·batch·units·(in + hidden) FLOPs a step for the products, 2·batch·units·hidden for a projection; see
///   `RNN`.
public final class LSTM: RNN {
  /// A layer, or a stack of `layers` of them.
  ///
  /// - Parameters:
  ///   - units: the width of the state, and of the output unless it is projected.
  ///   - forgetBias: first value of the forget gate's bias; 1 by default (Jozefowicz et al., ICML 2015), as in Keras;
  ///     PyTorch draws it as the others.
  ///   - hasPeepholes: whether the gates see the cell's state.
  ///   - projection: the width the output is projected to, PyTorch's `proj_size`; nil for none.
  ///   - layers: how many lie one on the other, each reading the outputs of the one below.
  ///   - isBidirectional: whether each layer also runs from the end; outputs are joined to `2·hidden`, forward first.
  ///   - dropout: the rate between layers, not after the last, in training mode only.
  ///   - initializers: first values of kernels and bias, gate by gate where wanted.
  ///   - options: layout, initial state and what else is seldom changed.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    _ units: Int, forgetBias: Double = 1, hasPeepholes: Bool = false, projection: Int? = nil, layers: Int = 1,
    isBidirectional: Bool = false, dropout: Double = 0,
    initializers: WeightInitializers = WeightInitializers(), options: RecurrentOptions = RecurrentOptions(),
    trainable: Bool? = nil, name: String = "lstm", file: StaticString = #fileID, line: UInt = #line
  ) {
    super.init(
      stack: LSTMCell(
        units, forgetBias: forgetBias, hasPeepholes: hasPeepholes, projection: projection,
        initializers: initializers
      ).stacked(layers),
      isBidirectional: isBidirectional, dropout: dropout, options: options, trainable: trainable, name: name,
      location: CallSite(file, line))
  }
}
