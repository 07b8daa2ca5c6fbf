import FirnGraph

extension ScanStep: CustomStringConvertible {
  /// What the iteration sees, in one line.
  public var description: String {
    "index \(index); carries \(listed(carries)); slices \(listed(slices))"
  }
}

extension ScanResult: CustomStringConvertible {
  /// What the iteration hands on, in one line: `carries loop/tanh : f32[4]; outputs none`.
  public var description: String { "carries \(listed(carries)); outputs \(listed(outputs))" }
}

private func listed(_ tensors: [Tensor]) -> String {
  tensors.isEmpty ? "none" : tensors.map(\.description).joined(separator: ", ")
}
