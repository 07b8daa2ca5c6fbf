import FirnFiles
import FirnGraph

/// Elements that somebody makes.
final class MadeElements: Sendable {
  let read: @Sendable () throws(FirnError) -> NDArray
  private let readStored: (@Sendable () throws(FirnError) -> Bytes)?

  init(
    read: @escaping @Sendable () throws(FirnError) -> NDArray,
    readStored: (@Sendable () throws(FirnError) -> Bytes)?
  ) {
    self.read = read
    self.readStored = readStored
  }

  func storedBytes() throws(FirnError) -> Bytes {
    guard let readStored else { return Bytes(try read().sharedStorage) }
    return try readStored()
  }
}
