package import FirnFiles
public import FirnGraph

/// One named tensor of a file of weights, read when asked for.
public struct WeightEntry: Sendable {
  /// Its name, as the file spells it: `encoder.layers.0.weight`.
  public let name: String
  /// The type of its elements in the file; ``array()`` converts those Firn has not.
  public let storedType: StoredType
  /// The extents of its axes, outermost first; empty for a scalar.
  public let shape: [Int]
  /// Equal for entries whose elements lie in the same piece of the file: tied weights; nil where none are shared.
  public private(set) var storage: Int?
  /// Whether it was trained where it was saved; nil where the format does not say (only PyTorch's does).
  public let requiresGradient: Bool?
  private let source: Source

  /// Where the elements come from.
  ///
  /// A file may hold very many tensors: what lies there as it is wants no object of its own.
  private enum Source: Sendable {
    case placed(FilePart, at: Int)
    case stored(StoredElements)
    case made(MadeElements)
  }

  private init(
    name: String, storedType: StoredType, shape: [Int], storage: Int?, requiresGradient: Bool?, source: Source
  ) {
    self.name = name
    self.storedType = storedType
    self.shape = shape
    self.storage = storage
    self.requiresGradient = requiresGradient
    self.source = source
  }

  /// - Parameters:
  ///   - readStored: yields the elements as ``storedBytes()`` gives them; by default those of the array, which must
  ///     then be of the stored type.
  ///   - read: yields an array of `shape` and of the type that `storedType` converts to.
  package init(
    name: String, storedType: StoredType, shape: [Int], storage: Int? = nil, requiresGradient: Bool? = nil,
    readStored: (@Sendable () throws(FirnError) -> Bytes)? = nil,
    read: @escaping @Sendable () throws(FirnError) -> NDArray
  ) {
    self.init(
      name: name, storedType: storedType, shape: shape, storage: storage, requiresGradient: requiresGradient,
      source: .made(MadeElements(read: read, readStored: readStored)))
  }

  /// A tensor of a file: its layout is known, its bytes are fetched when it is read.
  package init(
    name: String, _ stored: StoredArray, storage: Int? = nil, requiresGradient: Bool? = nil, fault: FileFault,
    bytes: @escaping @Sendable () throws(FirnError) -> Bytes
  ) {
    self.init(
      name: name, storedType: stored.type, shape: stored.shape, storage: storage,
      requiresGradient: requiresGradient,
      source: .stored(StoredElements(stored, fault: fault, bytes: bytes)))
  }

  /// A tensor whose elements lie in row-major order in a file's bytes, from `offset` on.
  init(name: String, _ type: StoredType, _ shape: [Int], in part: FilePart, at offset: Int) {
    self.init(
      name: name, storedType: type, shape: shape, storage: nil, requiresGradient: nil,
      source: .placed(part, at: offset))
  }

  /// An array held in memory, to be written or loaded under a name.
  public init(name: String, array: NDArray) {
    self.init(name: name, storedType: StoredType(array.dtype), shape: array.shape) { array }
  }

  /// The same with its storage under another number, where it has one.
  func numbering(_ number: (Int) -> Int) -> WeightEntry {
    var entry = self
    entry.storage = storage.map(number)
    return entry
  }

  /// Bytes in the file.
  ///
  /// Divided before multiplied, as elements times bits need not fit an `Int`; types below a byte come in whole bytes.
  public var byteCount: Int {
    let count = shape.elementCount
    return storedType.bitCount % 8 == 0
      ? count * (storedType.bitCount / 8)
      : count / 8 * storedType.bitCount + count % 8 * storedType.bitCount / 8
  }

  /// The value, converted where Firn does not have the stored type; in place where the file is mapped.
  ///
  /// - Throws: `.parse` where the type or an element has no counterpart in Firn, or the file turns out to be damaged.
  /// - Complexity: O(1) where the file is mapped and the type is one of Firn's; else O(elements), each time it is
  ///   called.
  public func array() throws(FirnError) -> NDArray {
    switch source {
    case .placed(let part, let offset):
      return try StoredArray(storedType, shape).array(
        in: part.bytes(at: offset, count: byteCount), named: name, fault: part.fault)
    case .stored(let elements): return try elements.array(named: name)
    case .made(let elements): return try elements.read()
    }
  }

  /// The elements as they are stored: row-major, the lowest byte first, ``byteCount`` of them, of any type.
  ///
  /// - Throws: where the file turns out to be damaged.
  package func storedBytes() throws(FirnError) -> Bytes {
    let count = byteCount
    let bytes =
      switch source {
      case .placed(let part, let offset): try part.bytes(at: offset, count: count)
      case .stored(let elements): try elements.storedBytes()
      case .made(let elements): try elements.storedBytes()
      }
    guard let elements = bytes.slice(at: 0, count: count) else {
      throw FirnError(
        .parse, "`\(name)` has \(bytes.count) bytes, not \(count)", remedy: "get the file anew", place: name)
    }
    return elements
  }
}
