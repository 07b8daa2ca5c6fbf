public import FirnGraph

/// Named tensors in order: a file of weights, or what is to become one.
public struct Weights: Sendable {
  /// What is being read, for reports and errors: a file's path.
  public let source: String
  /// In the order of the file.
  public let entries: [WeightEntry]
  /// What else the file says of itself, in its order.
  public let metadata: [Metadata]
  /// What the file holds beside tensors that Firn could read, such as text, in its order.
  public let skipped: [Skipped]
  private let positions: [ByteName: Int]

  /// A line of text about the file, such as safetensors' `__metadata__` holds.
  public struct Metadata: Hashable, Sendable {
    /// What the text is about; safetensors holds each only once.
    public var key: String
    /// The text.
    public var value: String

    /// Text under a key.
    public init(key: String, value: String) {
      self.key = key
      self.value = value
    }
  }

  /// Something that is no entry, and why.
  public struct Skipped: Hashable, Sendable {
    /// Its name in the file.
    public var name: String
    /// Why it could not be read, as a clause.
    public var reason: String

    /// Something left out, and why.
    public init(name: String, reason: String) {
      self.name = name
      self.reason = reason
    }
  }

  /// Entries to be written or loaded, in this order.
  ///
  /// - Parameters:
  ///   - source: what messages call the whole.
  ///   - metadata: written to safetensors; other formats have no place for it.
  /// - Throws: `.parse` where two entries share a name.
  public init(
    source: String, entries: [WeightEntry], metadata: [Metadata] = [], skipped: [Skipped] = []
  ) throws(FirnError) {
    self.source = source
    self.entries = entries
    self.metadata = metadata
    self.skipped = skipped
    var positions: [ByteName: Int] = [:]
    positions.reserveCapacity(entries.count)
    for (position, entry) in entries.enumerated()
    where positions.updateValue(position, forKey: ByteName(entry.name)) != nil {
      throw FirnError(
        .parse, "\(source) holds `\(entry.name)` twice", remedy: "write the file anew", place: entry.name)
    }
    self.positions = positions
  }

  /// The entry of this name, compared byte by byte; nil where there is none.
  ///
  /// - Complexity: O(1).
  public subscript(name: String) -> WeightEntry? { positions[ByteName(name)].map { entries[$0] } }
}
