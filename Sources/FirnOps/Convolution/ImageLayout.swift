package import FirnGraph

/// Telling images whose channels come first, as PyTorch has them, by their extents.
extension TensorType {
  /// Whether `[batch, height, width, channels]` with these extents is rather `[batch, channels, height, width]`: as many
  /// rows as pictures have channels, 1 or 3, and more channels than pictures have.
  package var looksChannelsFirst: Bool {
    guard shape.rank == 4, let rows = shape[1].value, let channels = shape[3].value else { return false }
    return [1, 3].contains(rows) && channels > 4
  }

  /// What to do about images whose channels come first.
  package static var channelsLastRemedy: String {
    "channels come last here: give [batch, height, width, channels], as `images.transposed([0, 2, 3, 1])` makes it"
  }
}
