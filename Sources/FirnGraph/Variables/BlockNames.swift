/// Names of equally wide blocks of a variable along one axis, such as the gates of an LSTM's kernel.
public struct BlockNames: Hashable, Sendable, Codable {
  /// Counted from the end where negative; 0 or more once a variable has it.
  public let axis: Int
  /// In the order of the blocks.
  public let names: [String]

  /// Names of blocks along an axis, by default the last, where a kernel's gates lie.
  public init(_ names: [String], axis: Int = -1) {
    self.names = names
    self.axis = axis
  }

  /// With `axis` counted from the start.
  package func normalized(rank: Int) -> BlockNames {
    axis < 0 && axis >= -rank ? BlockNames(names, axis: axis + rank) : self
  }

  /// Where the block of this name lies in a variable of this shape.
  package func block(named name: String, in shape: Shape) -> Block? {
    guard let position = names.firstIndex(of: name), shape.indices.contains(axis),
      let extent = shape[axis].value
    else { return nil }
    let width = extent / names.count
    return Block(axis: axis, range: position * width..<(position + 1) * width)
  }

  /// What is wrong with it for a variable of this shape; nil where nothing is.
  package func fault(in shape: Shape) -> String? {
    guard shape.indices.contains(axis) else {
      return "`blocks` are along axis \(axis), which \(shape) has not"
    }
    guard !names.isEmpty, !names.contains("") else { return "`blocks` need names" }
    guard Set(names).count == names.count else { return "`blocks` have a name twice" }
    guard let extent = shape[axis].value, extent % names.count == 0 else {
      return "\(names.count) `blocks` of equal width do not fit an axis of \(shape[axis])"
    }
    return nil
  }
}
