import FirnGraph
import FirnRuntime

/// Which part of a stored tensor becomes which of a variable; nil is all of it.
struct BlockMove {
  let from: Block?
  let to: Block?

  /// What fills a region of a variable: the same places of the tensor; or, where it has exactly as many as are wanted
  /// along the region's axis, all of it, in order.
  ///
  /// - Returns: nil where the shapes do not allow it.
  static func all(into region: Region, of variable: [Int], from stored: [Int]) -> [BlockMove]? {
    guard case .blocks(let blocks) = region, let axis = region.axis else {
      return stored == variable ? [BlockMove(from: nil, to: nil)] : nil
    }
    guard stored.count == variable.count, stored.indices.contains(axis),
      stored.indices.allSatisfy({ $0 == axis || stored[$0] == variable[$0] })
    else { return nil }
    if blocks.allSatisfy({ $0.range.upperBound <= stored[axis] }) {
      return blocks.map { BlockMove(from: $0, to: $0) }
    }
    guard blocks.reduce(0, { $0 + $1.range.count }) == stored[axis] else { return nil }
    var start = 0
    return blocks.map { block in
      defer { start += block.range.count }
      return BlockMove(from: Block(axis: axis, range: start..<start + block.range.count), to: block)
    }
  }

  /// Why there are no moves.
  static func refusal(into region: Region, of variable: [Int], from stored: [Int]) -> String {
    if case .blocks(let blocks) = region, let axis = region.axis, stored.count == variable.count,
      stored.indices.allSatisfy({ $0 == axis || stored[$0] == variable[$0] })
    {
      let wanted = blocks.map(\.description).joined(separator: ", ")
      return "axis \(axis) is \(stored[axis]), which is neither as long as \(wanted) nor reaches as far"
    }
    return ArrayType(.f32, variable).difference(from: ArrayType(.f32, stored))?.message ?? ""
  }

  /// In words: `[0..<5] into [7..<12]`.
  static func description(_ moves: [BlockMove]) -> String {
    moves.map { "\($0.from?.description ?? "all") into \($0.to?.description ?? "all")" }
      .joined(separator: ", ")
  }
}
