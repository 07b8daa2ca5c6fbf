public import FirnGraph

/// What of a variable a program trains: all of it, or a block.
///
/// Each part has a gradient, an update and slots of its own.
public struct TrainedPart: Hashable, Sendable {
  /// The whole variable.
  public let variable: Variable
  /// Nil for the whole.
  public let block: Block?

  package init(_ variable: Variable, block: Block? = nil) {
    self.variable = variable
    self.block = block
  }

  /// Feeds name and block, which tell parts of one program apart.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(variable.name)
    hasher.combine(block)
  }

  /// The type of its gradient, and of slots that hold a number for each of its elements.
  public var type: TensorType {
    var type = variable.type
    if let block { type.shape[block.axis] = Dim(block.range.count) }
    return type
  }

  /// The path its slots stand under: `table/adam`, or for a block `table/adam/rows_3_10`, so that those of another
  /// block never meet them.
  package func slotScope(_ optimizer: String) -> String {
    let scope = Path.joined(variable.name, optimizer)
    guard let block else { return scope }
    let axis = block.axis == 0 ? "rows" : "axis\(block.axis)"
    return Path.joined(scope, "\(axis)_\(block.range.lowerBound)_\(block.range.upperBound)")
  }
}

extension TrainedPart: CustomStringConvertible {
  /// As selections write it: `encoder/kernel`, `embedding/table[0..<3]`.
  public var description: String { variable.name + (block?.description ?? "") }
}
