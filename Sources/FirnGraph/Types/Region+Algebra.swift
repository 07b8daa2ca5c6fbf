/// Set operations on parts of one variable; nil is no part at all.
///
/// Blocks along one axis combine to blocks along it; what blocks along different axes give is in general none, so
/// that is refused with nil in the outer optional.
extension Region {
  package enum Operation {
    case union, intersection
  }

  /// Adjacent blocks merge, what covers all of `extent` is `.whole`, and nothing is nil.
  package static func along(_ axis: Int, _ ranges: [Range<Int>], extent: Int) -> Region? {
    var merged: [Range<Int>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
      if let last = merged.last, range.lowerBound <= last.upperBound {
        merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    if merged.isEmpty { return nil }
    return merged == [0..<extent] ? .whole : .blocks(merged.map { Block(axis: axis, range: $0) })
  }

  /// Union or intersection of parts of a variable of these extents.
  ///
  /// - Returns: nil where both are blocks along different axes.
  package static func combine(
    _ operation: Operation, _ a: Region?, _ b: Region?, extents: [Int]
  ) -> Region?? {
    switch (a, b, operation) {
    case (nil, let other, .union), (let other, nil, .union): return .some(other)
    case (nil, _, .intersection), (_, nil, .intersection): return .some(nil)
    case (.whole, _, .union), (_, .whole, .union): return .some(.whole)
    case (.whole, let other, .intersection), (let other, .whole, .intersection): return .some(other)
    case (.blocks(let first), .blocks(let second), _):
      guard let axis = first.first?.axis, axis == second.first?.axis, extents.indices.contains(axis) else {
        return nil
      }
      let ranges =
        operation == .union
        ? (first + second).map(\.range) : overlaps(first.map(\.range), second.map(\.range))
      return .some(along(axis, ranges, extent: extents[axis]))
    }
  }

  /// What `region` leaves of a variable of these extents.
  package static func complement(of region: Region?, extents: [Int]) -> Region? {
    switch region {
    case nil: return .whole
    case .whole: return nil
    case .blocks(let blocks):
      guard let axis = blocks.first?.axis, extents.indices.contains(axis) else { return nil }
      var gaps: [Range<Int>] = []
      var start = 0
      for block in blocks {
        if start < block.range.lowerBound { gaps.append(start..<block.range.lowerBound) }
        start = block.range.upperBound
      }
      if start < extents[axis] { gaps.append(start..<extents[axis]) }
      return along(axis, gaps, extent: extents[axis])
    }
  }

  /// The axis its blocks are along; nil for the whole.
  package var axis: Int? {
    if case .blocks(let blocks) = self { blocks.first?.axis } else { nil }
  }

  /// How many elements of a variable of these extents it holds.
  package func elementCount(extents: [Int]) -> Int {
    switch self {
    case .whole: extents.reduce(1, *)
    case .blocks(let blocks):
      blocks.reduce(0) { sum, block in
        sum
          + extents.indices.reduce(1) { $0 * ($1 == block.axis ? block.range.count : extents[$1]) }
      }
    }
  }

  /// Both ascending and disjoint; one walk over the two.
  private static func overlaps(_ a: [Range<Int>], _ b: [Range<Int>]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var (i, j) = (0, 0)
    while i < a.count, j < b.count {
      if a[i].overlaps(b[j]) { result.append(a[i].clamped(to: b[j])) }
      if a[i].upperBound < b[j].upperBound { i += 1 } else { j += 1 }
    }
    return result
  }
}
