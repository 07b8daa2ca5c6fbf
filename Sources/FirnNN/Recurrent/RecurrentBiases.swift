/// How many biases a plain or an LSTM cell has.
///
/// The outputs of one bias and of two whose sum it is are the same; training is not. Each of the two has the gradient of
/// their sum, so a step of SGD moves the sum twice as far, and Adam's nearly so.
///
/// | | variables | PyTorch | Keras |
/// | --- | --- | --- | --- |
/// | `.none` | | `bias=False` | `use_bias=False` |
/// | `.joint` | `bias` | | `use_bias=True` |
/// | `.separate` | `bias`, `recurrent_bias` | `bias_ih`, `bias_hh` | |
public enum RecurrentBiases: String, Hashable, Sendable, CaseIterable {
  /// No bias: a sequence of zeros keeps a state of zeros.
  case none
  /// `bias`, as in Keras and TensorFlow.
  case joint
  /// `bias`, added to the input's product, and `recurrent_bias`, to the state's: fine-tuning a network of PyTorch's
  /// takes the steps it takes there.
  case separate
}
