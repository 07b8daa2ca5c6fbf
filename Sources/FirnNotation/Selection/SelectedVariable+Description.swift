import FirnGraph

extension SelectedVariable: CustomStringConvertible {
  /// Name and blocks, as selections write them: `table[0..<3]`.
  public var description: String {
    if case .blocks(let blocks) = region {
      variable.name + blocks.map(\.description).joined()
    } else {
      variable.name
    }
  }
}
