public import FirnGraph

/// Values of variables or of blocks of them, in creation order.
///
/// Its arrays share the session's storage until one of the two is written, so taking one costs nothing.
public struct Snapshot: Hashable, Sendable {
  public struct Entry: Hashable, Sendable {
    public var name: String
    /// The part of the variable that `array` is the value of; nil for the whole.
    public var block: Block?
    public var array: NDArray
    /// Restoring a random value does not make it a loaded one.
    package var provenance = Provenance.loaded

    public init(name: String, block: Block? = nil, array: NDArray) {
      self.name = name
      self.block = block
      self.array = array
    }

    /// Of name, block and bits; where a value came from is not part of it.
    public static func == (a: Entry, b: Entry) -> Bool {
      a.name == b.name && a.block == b.block && a.array == b.array
    }

    public func hash(into hasher: inout Hasher) {
      hasher.combine(name)
      hasher.combine(block)
    }
  }

  public var values: [Entry]

  public init(values: [Entry]) { self.values = values }
}
