import FirnFiles
import FirnGraph

/// Elements that are stored in a known way, with the way to their bytes.
final class StoredElements: Sendable {
  private let stored: StoredArray
  private let fault: FileFault
  private let bytes: @Sendable () throws(FirnError) -> Bytes

  init(
    _ stored: StoredArray, fault: FileFault, bytes: @escaping @Sendable () throws(FirnError) -> Bytes
  ) {
    self.stored = stored
    self.fault = fault
    self.bytes = bytes
  }

  func array(named name: String) throws(FirnError) -> NDArray {
    // What Firn has no type for is refused without a look at its bytes.
    try stored.array(
      in: stored.type.dtype == nil ? Bytes(copying: []) : try bytes(), named: name, fault: fault)
  }

  func storedBytes() throws(FirnError) -> Bytes { stored.elements(in: try bytes()) }
}
