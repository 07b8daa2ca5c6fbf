public import FirnGraph

/// One named tensor of a file of weights, read when asked for.
public struct WeightEntry: Sendable {
  public let name: String
  public let storedType: StoredType
  public let shape: [Int]
  private let read: @Sendable () throws(FirnError) -> NDArray

  /// - Parameter read: yields an array of `shape` and of the type that `storedType` converts to.
  package init(
    name: String, storedType: StoredType, shape: [Int],
    read: @escaping @Sendable () throws(FirnError) -> NDArray
  ) {
    self.name = name
    self.storedType = storedType
    self.shape = shape
    self.read = read
  }

  /// An array held in memory.
  public init(name: String, array: NDArray) {
    self.init(name: name, storedType: StoredType(array.dtype), shape: array.shape) { array }
  }

  /// Bytes in the file.
  public var byteCount: Int { shape.reduce(storedType.byteCount, *) }

  /// The value, converted where Firn does not have the stored type; in place where the file is mapped.
  ///
  /// - Throws: where the type or an element has no counterpart in Firn.
  public func array() throws(FirnError) -> NDArray { try read() }
}
