extension TensorType {
  /// How many elements a tensor may have, where an axis without any counts as one of 1.
  ///
  /// No machine holds more, and below it no product of extents that a kernel forms leaves `Int`.
  package static let elementLimit = 1 << 56

  /// What makes it a type that no tensor can have: an extent below 0, or too many elements; nil where nothing does.
  ///
  /// What depends on names is left for when they are bound.
  package var fault: String? {
    var count = 1
    for dimension in shape {
      if dimension.isEndless { return "more elements than can be held" }
      guard let extent = dimension.value else { continue }
      if extent < 0 { return "an extent below 0" }
      guard Swift.max(extent, 1) <= Self.elementLimit / count else { return "more elements than can be held" }
      count *= Swift.max(extent, 1)
    }
    return nil
  }
}
