public import FirnGraph

/// Values of variables or of blocks of them, in creation order.
///
/// Its arrays share the session's storage until one of the two is written, so taking one costs nothing. For the same on
/// disk see `Checkpoint` and `session.weights()`.
public struct Snapshot: Hashable, Sendable {
  /// A value and whose it is.
  public struct Entry: Hashable, Sendable {
    /// The variable's path.
    public var name: String
    /// The part of the variable that `array` is the value of; nil for the whole.
    public var block: Block?
    /// The value, of the shape of the variable or of the block.
    public var array: NDArray
    /// Restoring a random value does not make it a loaded one.
    package var origin = Origin.loaded

    /// A value of one's own; restoring it counts as loading.
    public init(name: String, block: Block? = nil, array: NDArray) {
      self.name = name
      self.block = block
      self.array = array
    }

    /// Of name, block and bits; where a value came from is not part of it.
    public static func == (a: Entry, b: Entry) -> Bool {
      a.name == b.name && a.block == b.block && a.array == b.array
    }

    /// Of name and block, as equal entries have equal ones.
    public func hash(into hasher: inout Hasher) {
      hasher.combine(name)
      hasher.combine(block)
    }
  }

  /// What it holds, each variable or block once.
  public var values: [Entry]

  /// A snapshot of one's own, to be restored.
  public init(values: [Entry]) { self.values = values }
}
