import FirnGraph

/// A layer-normalised LSTM layer as one `scan`, or a stack of them.
///
/// An LSTM whose two products and cell state are normalised over their features; `LayerNormLSTMCell` has the formula.
/// TensorFlow 1's `LayerNormBasicLSTMCell`. Called, it gives the last output; `run` gives all of them and the states.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, time, in]`, `f32` or `f64` as all others | |
/// | `kernel` | `[in, 4·units]`, blocks i f g o, named `input`, `forget`, `cell`, `output` | `kernel` |
/// | `recurrent_kernel` | `[units, 4·units]` | `recurrent_kernel` |
/// | `bias` | `[4·units]` | `bias` |
/// | `kernel_gain`, `recurrent_gain` | `[4·units]`, ones at first | `gain` |
/// | `cell_gain`, `cell_offset` | `[units]`, ones and zeros at first | `gain`, `bias` |
/// | result of a call | `[batch, units]` | |
///
/// Names of a stack or of two directions, and constraints (C1 to C7), are those of `RNN`. Ba, Kiros & Hinton, "Layer
/// Normalization" (2016), equations 20 to 22.
///
/// - Complexity: 8·batch·units·(in + units) FLOPs a step for the products; see `RNN`.
public final class LayerNormLSTM: RNN {
  /// A layer, or a stack of `layers` of them; ε is 1e-5.
  ///
  /// - Parameters:
  ///   - units: the width of the states and of the output.
  ///   - forgetBias: first value of the forget gate's bias.
  ///   - layers: how many lie one on the other, each reading the outputs of the one below.
  ///   - isBidirectional: whether each layer also runs from the end; outputs are joined to `2·units`, forward first.
  ///   - dropout: the rate between layers, not after the last, in training mode only; needs two layers or more.
  ///   - initializers: first values of kernels and bias, gate by gate where wanted.
  ///   - options: layout, initial state and what else is seldom changed.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    _ units: Int, forgetBias: Double = 1, layers: Int = 1, isBidirectional: Bool = false, dropout: Double = 0,
    initializers: WeightInitializers = WeightInitializers(), options: RecurrentOptions = RecurrentOptions(),
    trainable: Bool? = nil, name: String = "layer_norm_lstm", file: StaticString = #fileID,
    line: UInt = #line
  ) {
    super.init(
      stack: LayerNormLSTMCell(units, forgetBias: forgetBias, initializers: initializers).stacked(layers),
      isBidirectional: isBidirectional, dropout: dropout, options: options, trainable: trainable, name: name,
      location: CallSite(file, line))
  }
}
