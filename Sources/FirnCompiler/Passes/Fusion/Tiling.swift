import FirnGraph

/// The shape that the nodes of a fused program go through: all have it, or are several such tiles one after the other
/// along one axis.
struct Tiling: Hashable {
  private(set) var shape: Shape
  /// The axis along which there may be several tiles; nil where all nodes have the shape.
  private(set) var axis: Int?
  /// The greatest extent of a node along that axis.
  private var longest = 0

  /// Every node is gone through once a tile; more tiles are more instructions on fewer elements.
  private static let mostTiles = 8
  /// Elements of a tile that lie side by side; a copy of fewer costs more than what is saved.
  private static let shortestRun = 8

  init(_ shape: Shape) { self.shape = shape }

  /// What both can go through.
  func and(_ other: Tiling) -> Tiling? {
    guard shape.rank == other.shape.rank else { return nil }
    let differing = shape.indices.filter { shape[$0] != other.shape[$0] }
    var result = self
    for axis in [other.axis, differing.first] {
      guard let axis else { continue }
      if result.axis ?? axis != axis { return nil }
      result.axis = axis
    }
    guard differing.count <= 1 else { return nil }
    guard let axis = result.axis else { return result }
    let extents = [shape[axis], other.shape[axis]].map { $0.value ?? 0 }
    return result.cut(other.shape[axis], longest: max(other.longest, extents[0], extents[1]))
  }

  /// The same where tiles begin at `start` along `axis`, too.
  func beginning(at start: Dim, along axis: Int) -> Tiling? {
    if start == 0 { return self }
    guard self.axis ?? axis == axis else { return nil }
    var result = self
    result.axis = axis
    return result.cut(start, longest: shape[axis].value ?? 0)
  }

  /// With tiles that `extent` is a multiple of.
  private func cut(_ extent: Dim, longest other: Int) -> Tiling? {
    guard let axis, var a = shape[axis].value, var b = extent.value, a > 0, b > 0 else { return nil }
    while b != 0 { (a, b) = (b, a % b) }
    var result = self
    result.shape[axis] = Dim(a)
    result.longest = max(longest, other)
    let run = result.shape[axis...].reduce(1) { product, extent in
      min(product * min(extent.value ?? 1, Self.shortestRun), Self.shortestRun)
    }
    return result.longest / a <= Self.mostTiles && run >= Self.shortestRun ? result : nil
  }
}
