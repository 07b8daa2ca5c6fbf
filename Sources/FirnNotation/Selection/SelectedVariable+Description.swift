import FirnGraph

extension SelectedVariable: CustomStringConvertible {
  /// Name and blocks, as selections write them: `table[0..<3]`.
  public var description: String {
    region == .whole ? variable.name : "\(variable.name)\(region)"
  }
}
