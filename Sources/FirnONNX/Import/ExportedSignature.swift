/// What PyTorch's newer exporter says of a module's tensors: which are its parameters, and which its buffers.
///
/// It writes that as text beside the graph, a line for each, whatever became of the tensor:
///
///     p_encoder_0_weight: PARAMETER target='encoder.0.weight'
///     b_mean: BUFFER target='mean' persistent=True
struct ExportedSignature {
  /// By the tensor's name in the module.
  private(set) var kinds: [String: TensorMessage.Kind] = [:]
  /// Those of parameters and buffers, in the order of the module.
  private(set) var names: [String] = []

  private static let words: [(String, TensorMessage.Kind)] = [
    (": PARAMETER target='", .parameter), (": BUFFER target='", .buffer),
    (": CONSTANT_TENSOR target='", .constant),
  ]

  /// Nil where the graph has none.
  init?(_ graph: GraphMessage) {
    guard let text = graph.metadata["pkg.torch.export.ExportedProgram.graph_signature"] else { return nil }
    for line in text.split(separator: "\n") {
      for (word, kind) in Self.words {
        guard let start = line.firstRange(of: word)?.upperBound,
          let end = line[start...].firstIndex(of: "'")
        else { continue }
        let name = String(line[start..<end])
        if kinds.updateValue(kind, forKey: name) == nil, kind != .constant { names.append(name) }
      }
    }
    if kinds.isEmpty { return nil }
  }
}
