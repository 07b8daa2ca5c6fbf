package import FirnGraph

/// A file that grows while others read it: what is written stands behind what was there, and is there when the call
/// returns.
///
/// Unlike an ``AtomicFile`` it is not whole until it is closed; a process that dies leaves what it had written, of the
/// last piece perhaps a part.
package final class AppendedFile {
  private let descriptor: Int32
  /// Of what was added whole.
  private var byteCount = 0
  /// Whether a part of a piece lies behind that, which could not be taken away.
  private var isTorn = false
  package let path: String

  /// Makes a file where nothing stands.
  ///
  /// - Throws: `.file` where something stands there, or it cannot be made.
  package init(creating path: String) throws(FirnError) {
    self.path = path
    descriptor = Platform.createForBoth(path)
    guard descriptor >= 0 else { throw AtomicFile.fault(path, Platform.reason) }
  }

  deinit { Platform.close(descriptor) }

  /// - Throws: `.file` with path and reason; what was written of them is taken away again, now or before the next piece.
  package func append(_ bytes: [UInt8]) throws(FirnError) {
    if isTorn {
      isTorn = !Platform.truncate(descriptor, to: byteCount)
      if isTorn { throw AtomicFile.fault(path, Platform.reason) }
    }
    let written = bytes.withUnsafeBytes { Platform.writeAll(descriptor, $0) }
    guard written else {
      let reason = Platform.reason
      isTorn = !Platform.truncate(descriptor, to: byteCount)
      throw AtomicFile.fault(path, reason)
    }
    byteCount += bytes.count
  }

  /// Brings all that was written to the disk.
  ///
  /// - Throws: `.file` with path and reason.
  package func synchronize() throws(FirnError) {
    guard Platform.synchronize(descriptor) else { throw AtomicFile.fault(path, Platform.reason) }
  }
}
