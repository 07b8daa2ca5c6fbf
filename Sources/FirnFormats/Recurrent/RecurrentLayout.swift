/// How a framework names the weights of a recurrent network and lays them out.
///
/// | | names | gates | products | biases |
/// | --- | --- | --- | --- | --- |
/// | Firn | `kernel`, `layer_0/forward/kernel`, … | i f g o; r z n | `[in, gates·units]` | one; reset after: two |
/// | PyTorch | `weight_ih_l0`, `weight_hh_l0_reverse`, … | i f g o; r z n | `[gates·units, in]` | two |
/// | Keras | `kernel`, `recurrent_kernel`, `bias` | i f c o; z r h | `[in, gates·units]` | one; reset after: `[2, …]` |
/// | Keras's CuDNN | as Keras | i f c o; z r h | `[units, in]` of each gate | two, `[2·gates·units]` |
/// | TensorFlow 1 | `kernel`, `bias`; GRU: `gates/kernel`, … | i j f o; r u, c | `[in + hidden, gates·units]` | one |
///
/// What each can hold, and no other:
///
/// | | Firn | PyTorch | Keras | TensorFlow 1 |
/// | --- | --- | --- | --- | --- |
/// | plain cell | yes | yes | yes | yes |
/// | LSTM | yes | yes | yes | yes |
/// | peepholes | yes | | | `w_i_diag`, `w_f_diag`, `w_o_diag` |
/// | projection | yes | `weight_hr_l0` | | `projection/kernel` |
/// | GRU, reset after | yes | yes | yes | |
/// | GRU, reset before | yes | | yes | yes |
///
/// Keras's CuDNN layers are LSTM and GRU with reset after, with biases.
public enum RecurrentLayout: Hashable, Sendable {
  /// Names below `scope`, the layer's: `lstm/kernel` for `lstm`.
  case firn(scope: String = "")
  /// `torch.nn.RNN`, `LSTM` and `GRU`, as in their `state_dict`.
  case pyTorch
  /// `keras.layers.SimpleRNN`, `LSTM` and `GRU`. Keras has no stack of its own: the weights of a layer and direction
  /// are expected below `layer_0/forward/`, as in Firn.
  case keras
  /// `CuDNNLSTM` and `CuDNNGRU` of Keras 2 and TensorFlow 1, names as of `keras`. An LSTM's two biases are one
  /// elsewhere unless the network has two; on the way to here one becomes two halves, as Keras makes them.
  case kerasCuDNN
  /// `BasicRNNCell`, `LSTMCell`, `BasicLSTMCell` and `GRUCell` of `tf.nn.rnn_cell`, names below the cell's scope; in a
  /// stack below `cell_0/`, in two directions below `fw/` and `bw/`, in both below `cell_0/fw/`.
  ///
  /// - Parameter forgetBias: what the cell adds to the forget gate when it runs, 1 in TensorFlow by default. In other
  ///   layouts it is part of the bias.
  case tensorFlow1(forgetBias: Double = 1)

  /// What stands before, and in PyTorch behind, the names of one direction of one layer.
  func place(layer: Int, isBackward: Bool, of network: RecurrentNetwork) -> (prefix: String, suffix: String) {
    let isFlat = network.layers == 1 && !network.isBidirectional
    let own = isFlat ? "" : "layer_\(layer)/\(isBackward ? "backward" : "forward")/"
    switch self {
    case .firn(let scope): return ((scope.isEmpty ? "" : scope + "/") + own, "")
    case .pyTorch: return ("", "_l\(layer)" + (isBackward ? "_reverse" : ""))
    case .keras, .kerasCuDNN: return (own, "")
    case .tensorFlow1:
      let direction = network.isBidirectional ? (isBackward ? "bw/" : "fw/") : ""
      return ((network.layers > 1 ? "cell_\(layer)/" : "") + direction, "")
    }
  }

  /// Why `network` has no form in this layout; nil where it has one.
  func refusal(of network: RecurrentNetwork) -> String? {
    switch self {
    case .firn: return nil
    case .pyTorch:
      if network.cell == .gru(resetAfter: false) {
        return "PyTorch's GRU scales the recurrent product by r (reset after); this one scales the state"
      }
      return network.hasPeepholes ? "PyTorch's LSTM has no peepholes" : nil
    case .keras:
      if network.hasPeepholes { return "Keras's LSTM has no peepholes" }
      return network.hasProjection ? "Keras's LSTM has no projection" : nil
    case .kerasCuDNN:
      if network.cell != .lstm, network.cell != .gru(resetAfter: true) {
        return "CuDNN's layers are LSTM and GRU with reset after"
      }
      if network.biases == .none { return "CuDNN's layers have biases" }
      if network.hasPeepholes { return "CuDNN's LSTM has no peepholes" }
      return network.hasProjection ? "CuDNN's LSTM has no projection" : nil
    case .tensorFlow1:
      return network.cell == .gru(resetAfter: true)
        ? "TensorFlow 1's GRUCell scales the state by r before the product; this one scales the product" : nil
    }
  }
}
