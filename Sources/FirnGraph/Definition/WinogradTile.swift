/// How many results a transform of Winograd's makes at once, along each of the two axes of an image.
///
/// A convolution with 3 × 3 taps then multiplies (m + 2)² times for m² results, where the sums written out take 9 m². What
/// is added before and after rounds, the more the larger the tile.
///
/// Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016.
public enum WinogradTile: Int, Hashable, Sendable, Codable, CaseIterable {
  /// 2 × 2: 2.25 times fewer multiplications, within the bound that `Docs/Numbers.md` states.
  case two = 2
  /// 4 × 4: 4 times fewer, and about ten times the error of 2 × 2.
  case four = 4
}

extension WinogradTile: CustomStringConvertible {
  /// `2×2` or `4×4`.
  public var description: String { "\(rawValue)×\(rawValue)" }
}
