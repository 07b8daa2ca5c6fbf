import FirnFiles
import FirnGraph

/// A piece of a file in which many tensors lie, each as it is to be read.
final class FilePart: Sendable {
  private let whole: Bytes
  let fault: FileFault

  init(_ bytes: Bytes, fault: FileFault) {
    whole = bytes
    self.fault = fault
  }

  func bytes(at offset: Int, count: Int) throws(FirnError) -> Bytes {
    guard let bytes = whole.slice(at: offset, count: count) else { throw fault("ends early") }
    return bytes
  }
}
