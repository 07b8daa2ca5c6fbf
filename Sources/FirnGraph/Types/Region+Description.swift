extension Region: CustomStringConvertible {
  /// `whole`, or the blocks as selections write them: `[0..<3][5..<6]`.
  public var description: String {
    switch self {
    case .whole: "whole"
    case .blocks(let blocks): blocks.map(\.description).joined()
    }
  }
}
