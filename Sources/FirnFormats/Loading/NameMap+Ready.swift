/// Maps for what people have.
extension NameMap {
  /// The `state_dict` of PyTorch modules: `block.0.conv.weight` becomes `block/0/conv/kernel`.
  ///
  /// | in the file | rank | variable | elements |
  /// | --- | --- | --- | --- |
  /// | `weight` | 1 | `gamma` | as they are |
  /// | `weight` | 2 | `kernel`, else `table` | transposed; a table as it is |
  /// | `weight` | 3, 4, 5 | `kernel` | `[out, in, …]` to `[…, in, out]` |
  /// | `bias` | | `bias`, else `beta` | as they are |
  /// | `running_mean`, `running_var` | | `moving_mean`, `moving_variance` | as they are |
  /// | `num_batches_tracked` | | left out | |
  ///
  /// Where two names are possible, the one that is a variable is taken. Any other name changes its dots to slashes.
  public static let pyTorch = NameMap([.modules])

  /// torchvision's ResNet: `layer1.0.conv1.weight` becomes `layer1/0/conv1/kernel`, `fc.weight` `fc/kernel`.
  public static let torchvisionResNet = pyTorch

  /// torchvision's MobileNetV2: `features.1.conv.0.0.weight` becomes `features/1/conv/0/0/kernel`.
  public static let torchvisionMobileNetV2 = pyTorch

  /// torchvision's VGG, whose first linear layer reads a flattened image: its rows are put in channels-last order.
  ///
  /// - Parameter outputs: width of the first linear layer.
  public static func torchvisionVGG(
    outputs: Int = 4096, flattening image: (channels: Int, height: Int, width: Int) = (512, 7, 7)
  ) -> NameMap {
    renaming(
      "classifier.0.weight", to: "classifier/0/kernel", .linear(outputs: outputs, flattening: image))
      + pyTorch
  }

  /// The weights of a `torch.nn.RNN`, `LSTM` or `GRU`: `weight_ih_l0`, `bias_hh_l1_reverse`, ….
  ///
  /// - Parameters:
  ///   - prefix: what stands before those names, with the dot: `encoder.rnn.`.
  ///   - scope: the layer's.
  public static func pyTorchRNN(_ network: RecurrentNetwork, from prefix: String, into scope: String)
    -> NameMap
  {
    NameMap([.recurrent(network, .pyTorch, prefix: prefix, scope: scope)])
  }

  /// The weights of Keras's `SimpleRNN`, `LSTM` or `GRU`: `kernel`, `recurrent_kernel`, `bias`.
  ///
  /// - Parameter prefix: what stands before those names, with the slash: `lstm/lstm_cell/`.
  public static func kerasRNN(_ network: RecurrentNetwork, from prefix: String, into scope: String) -> NameMap
  {
    NameMap([.recurrent(network, .keras, prefix: prefix, scope: scope)])
  }

  /// The weights of a cell of TensorFlow 1's `tf.nn.rnn_cell`.
  ///
  /// - Parameter prefix: what stands before those names, with the slash: `rnn/basic_lstm_cell/`.
  public static func tensorFlow1RNN(
    _ network: RecurrentNetwork, forgetBias: Double = 1, from prefix: String, into scope: String
  ) -> NameMap {
    NameMap([.recurrent(network, .tensorFlow1(forgetBias: forgetBias), prefix: prefix, scope: scope)])
  }

  /// Names of TensorFlow 1 and Keras variables, which are paths already: `:0` goes, optimiser slots and counters are
  /// left out, an embedding's `embeddings` is a `table`.
  public static let tensorFlow1 =
    ignoring(#"(.*/)?(Adam|Adam_1|Adagrad|Momentum|RMSProp|RMSProp_1)(:0)?"#)
    + ignoring(#"(beta[12]_power|global_step)(:0)?"#)
    + regex(#"(.*/)embeddings(:0)?"#, to: "$1table")
    + regex(#"(.*):0"#, to: "$1")

  /// As ``tensorFlow1``.
  public static let keras = tensorFlow1
}
