extension Node: CustomStringConvertible {
  /// In one line: `encoder/matmul = matmul : f32[batch,4] (Model.swift:12)`.
  public var description: String {
    "\(name) = \(mnemonic) : " + types.map(\.description).joined(separator: ", ")
      + (location.map { " (\($0))" } ?? "")
  }
}
