import FirnFormats
import Testing

/// What maps of names, recurrent networks and remarks on files print.
@Suite struct DescriptionTests {
  private static let network = RecurrentNetwork(
    .lstm, layers: 2, isBidirectional: true, hasPeepholes: true, hasProjection: true)
  private static let rules =
    NameMap.prefix("model.", "encoder/") + .ignoring("global_step")
    + .renaming("h.{n}.weight", to: "layer_{n+1}/kernel", .transposed) + .regex("(.*):0", to: "$1")
    + .pyTorchRNN(RecurrentNetwork(.simple), from: "rnn.", into: "encoder/rnn") + .pyTorch

  @Test(arguments: [
    ("\(NameMap.identity)", "names as they are"),
    (
      "\(rules)",
      """
      model.… becomes encoder/…
      /global_step/ is left out
      h.{n}.weight becomes layer_{n+1}/kernel, transposed
      /(.*):0/ becomes $1
      rnn.… becomes encoder/rnn/…, 1 layer of simple cells, from PyTorch
      names of PyTorch modules become paths
      """
    ),
    ("\(network)", "2 layers of LSTM cells in both directions, with peepholes, with a projection"),
    ("\(RecurrentNetwork(.gru(resetAfter: true)))", "1 layer of GRU cells (reset after)"),
    ("\([RecurrentLayout.firn(), .firn(scope: "a/b"), .keras])", "[Firn, Firn in a/b, Keras]"),
    ("\(RecurrentLayout.tensorFlow1())", "TensorFlow 1 with forget bias 1.0"),
    ("\(Weights.Metadata(key: "format", value: "pt"))", "format = pt"),
    ("\(Weights.Skipped(name: "words", reason: "text"))", "`words`: text"),
  ]) func valuesPrintInWords(_ text: String, _ expected: String) { #expect(text == expected) }
}
