/// Maps for what people have.
extension NameMap {
  /// The `state_dict` of PyTorch modules: `block.0.conv.weight` becomes `block/0/conv/kernel`.
  ///
  /// | in the file | rank | variable | elements |
  /// | --- | --- | --- | --- |
  /// | `weight` | 1 | `gamma` | as they are |
  /// | `weight` of an embedding | 2 | `table` | as they are |
  /// | any other `weight` | 2 | `kernel` | transposed |
  /// | `weight` | 3, 4, 5 | `kernel` | `[out, in, …]` to `[…, in, out]` |
  /// | `bias` beside a `weight` of one axis, or a `running_mean` | 1 | `beta` | as they are |
  /// | any other `bias` | | `bias` | as they are |
  /// | `running_mean`, `running_var` | | `moving_mean`, `moving_variance` | as they are |
  /// | `num_batches_tracked` | 0 | `batch_count`, which only a cumulative batch norm takes | as it is |
  ///
  /// The file alone decides. Of a module with a `weight` of two axes and no `bias` it cannot tell a linear layer from an
  /// embedding: one is taken for an embedding whose name has `emb` in it, or is `wte` or `wpe`. Any other is told so by a
  /// rule before: `.renaming("tokens.weight", to: "tokens/table") + .pyTorch`. All other names change their dots to
  /// slashes. Runs backwards.
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

  /// PyTorch's `weight_norm`: each pair of a gain and a direction becomes one `weight`.
  ///
  /// Old pairs are `weight_g` and `weight_v`, new ones `parametrizations.weight.original0` and `original1`. A map for
  /// what becomes of them follows: `.weightNorm.then(.pyTorch)`. Does not run backwards.
  public static let weightNorm =
    combining(["{path...}.weight_g", "{path...}.weight_v"], to: "{path...}.weight", by: .weightNorm)
    + combining(
      ["{path...}.parametrizations.weight.original0", "{path...}.parametrizations.weight.original1"],
      to: "{path...}.weight", by: .weightNorm)

  /// The weights of a `torch.nn.RNN`, `LSTM` or `GRU`: `weight_ih_l0`, `bias_hh_l1_reverse`, ….
  ///
  /// Each weight of the layer is made that can be: `strict: false` loads the layers and directions there are. A file
  /// of `bias=False` has none for the layer's biases. Where the network has one bias, it gets the sum of the file's
  /// two, and a warning of the session says that it will not train as in PyTorch. Runs backwards.
  ///
  /// - Parameters:
  ///   - prefix: what stands before those names, with the dot: `encoder.rnn.`.
  ///   - scope: the layer's.
  public static func pyTorchRNN(_ network: RecurrentNetwork, from prefix: String, into scope: String)
    -> NameMap
  {
    recurrent(network, .pyTorch, [prefix], scope)
  }

  /// The weights of Keras's `SimpleRNN`, `LSTM` or `GRU`: `kernel`, `recurrent_kernel`, `bias`.
  ///
  /// A cell's own component, `lstm_cell/`, may stand between prefix and name. In a `Bidirectional`, `forward_…` and
  /// `backward_…` are the directions: `from: "bidirectional/"` is about `bidirectional/forward_lstm_3/lstm_cell/kernel`.
  ///
  /// - Parameter prefix: what stands before those names, with the slash: `lstm/lstm_cell/`.
  public static func kerasRNN(_ network: RecurrentNetwork, from prefix: String, into scope: String) -> NameMap
  {
    kerasRNN(network, from: [prefix], into: scope)
  }

  /// The weights of Keras layers that are one network here: a stack, or both directions.
  ///
  ///     .kerasRNN(network, from: ["bidirectional/", "bidirectional_1/"], into: "encoder")
  ///
  /// - Parameter prefixes: one for each layer, or for each layer and direction: that of layer 0 forwards, of layer 0
  ///   backwards, of layer 1 forwards, …; the latter gives Keras's own names where it runs backwards.
  public static func kerasRNN(_ network: RecurrentNetwork, from prefixes: [String], into scope: String)
    -> NameMap
  {
    recurrent(network, .keras, prefixes, scope)
  }

  /// The weights of Keras's `CuDNNLSTM` or `CuDNNGRU`, names and prefixes as `kerasRNN` has them.
  ///
  /// - Parameter prefixes: one, `["cu_dnnlstm/"]`, or one for each layer, or each layer and direction.
  public static func kerasCuDNNRNN(_ network: RecurrentNetwork, from prefixes: [String], into scope: String)
    -> NameMap
  {
    recurrent(network, .kerasCuDNN, prefixes, scope)
  }

  /// The weights of a cell of TensorFlow 1's `tf.nn.rnn_cell`.
  ///
  /// - Parameter prefix: what stands before those names, with the slash: `rnn/basic_lstm_cell/`.
  public static func tensorFlow1RNN(
    _ network: RecurrentNetwork, forgetBias: Double = 1, from prefix: String, into scope: String
  ) -> NameMap {
    recurrent(network, .tensorFlow1(forgetBias: forgetBias), [prefix], scope)
  }

  private static func recurrent(
    _ network: RecurrentNetwork, _ layout: RecurrentLayout, _ prefixes: [String], _ scope: String
  ) -> NameMap {
    NameMap([.recurrent(network, RecurrentNames(layout: layout, prefixes: prefixes, scope: scope))])
  }

  /// Names of TensorFlow 1 and Keras variables, which are paths already but for a few endings.
  ///
  /// `:0` goes, optimiser slots, counters and Keras's seeds are left out, an embedding's `embeddings` is a `table`. Runs
  /// backwards.
  public static let tensorFlow1 =
    ignoring(#"(.*/)?(Adam|Adam_1|Adagrad|Momentum|RMSProp|RMSProp_1)(:0)?"#)
    + ignoring(#"(beta[12]_power|global_step|(.*/)?seed_generator_state)(:0)?"#)
    + NameMap([.paths])

  /// As ``tensorFlow1``.
  public static let keras = tensorFlow1
}
