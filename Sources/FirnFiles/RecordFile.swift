package import FirnGraph

/// A file to which one process adds whole pieces at its end, and from which any may read at the same time.
///
/// A process that dies meanwhile leaves a piece cut short at the end. Nothing is brought to the medium at once: who
/// reads after the machine itself stopped has to tell damaged pieces by what is in them.
package final class RecordFile {
  package let path: String
  private let descriptor: Int32
  private let isWritable: Bool
  /// Bytes of what was added whole, and of what was there.
  package private(set) var byteCount: Int

  /// Makes a new file.
  ///
  /// - Throws: `.file` where there is one already, or none can be made.
  package init(creating path: String) throws(FirnError) {
    self.path = path
    descriptor = Platform.createForBoth(path)
    (isWritable, byteCount) = (true, 0)
    if descriptor < 0 { throw AtomicFile.fault(path, Platform.reason) }
  }

  /// Opens a file to read what is in it now; nil where that cannot be done.
  package init?(reading path: String) {
    self.path = path
    let descriptor = Platform.openForReading(path)
    guard descriptor >= 0 else { return nil }
    guard let length = Platform.regularFileLength(descriptor) else {
      Platform.close(descriptor)
      return nil
    }
    self.descriptor = descriptor
    (isWritable, byteCount) = (false, length)
  }

  deinit { Platform.close(descriptor) }

  /// Adds bytes at the end.
  ///
  /// - Throws: `.file` with the system's reason, such as a full disk; what was written of them is taken away again.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(FirnError) {
    precondition(isWritable)
    guard Platform.writeAll(descriptor, bytes) else {
      let reason = Platform.reason
      _ = Platform.truncate(descriptor, to: byteCount)
      throw AtomicFile.fault(path, reason)
    }
    byteCount += bytes.count
  }

  /// Takes in how much others have added meanwhile to a file that is read.
  package func follow() {
    if !isWritable, let length = Platform.regularFileLength(descriptor) { byteCount = max(byteCount, length) }
  }

  /// Fills `buffer` with the bytes from `offset` on; false where there are not as many, or they cannot be read.
  package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = Platform.read(descriptor, at: offset + done, into: rest)
      if count <= 0 { return false }
      done += count
    }
    return true
  }
}
