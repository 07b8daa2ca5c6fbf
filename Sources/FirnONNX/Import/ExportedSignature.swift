/// What PyTorch's newer exporter says of a module's tensors: which are its parameters, and which its buffers.
///
/// It writes that as text beside the graph, a line for each, whatever became of the tensor:
///
///     p_encoder_0_weight: PARAMETER target='encoder.0.weight'
///     b_mean: BUFFER target='mean' persistent=True
struct ExportedSignature {
  /// By the tensor's name in the module.
  private(set) var kinds: [String: TensorMessage.Kind] = [:]
  /// Their names, in the order of the module.
  private(set) var names: [String] = []

  /// Nil where the graph has none.
  init?(_ graph: GraphMessage) {
    guard let text = graph.metadata["pkg.torch.export.ExportedProgram.graph_signature"] else { return nil }
    for line in text.split(separator: "\n") {
      for (word, kind) in [
        (": PARAMETER target='", TensorMessage.Kind.parameter), (": BUFFER target='", .buffer),
      ] {
        guard let start = line.firstRange(of: word)?.upperBound,
          let end = line[start...].firstIndex(of: "'")
        else { continue }
        let name = String(line[start..<end])
        if kinds.updateValue(kind, forKey: name) == nil { names.append(name) }
      }
    }
    if kinds.isEmpty { return nil }
  }
}
