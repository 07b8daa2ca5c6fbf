package import FirnGraph

/// A file's bytes, mapped into memory and read from the disk as they are touched.
///
/// The length is that at opening; nothing beyond is ever read. As with every mapped file, whoever cuts it short
/// meanwhile takes the process down; files replaced by renaming, as `AtomicFile` does, are safe.
///
/// Sendable by this invariant: the bytes are never written.
package final class MappedFile: @unchecked Sendable {
  private let start: UnsafeRawPointer
  private let byteCount: Int

  /// The file's bytes; they keep the mapping alive, the descriptor is closed.
  package static func open(_ path: String) throws(FirnError) -> Bytes {
    let descriptor = Platform.openForReading(path)
    guard descriptor >= 0 else {
      throw FirnError(
        .file, "cannot read '\(path)': \(Platform.reason)", remedy: "check the path and its permissions")
    }
    defer { Platform.close(descriptor) }
    guard let length = Platform.regularFileLength(descriptor) else {
      throw FirnError(
        .file, "'\(path)' is not a file on a disk but a folder, a pipe or a device", remedy: "name a file")
    }
    if length == 0 { return Bytes(copying: []) }
    guard let start = Platform.map(descriptor, byteCount: length) else {
      throw FirnError(.file, "cannot map '\(path)': \(Platform.reason)", remedy: "copy it to a local disk")
    }
    return Bytes(start, count: length, owner: MappedFile(start, length))
  }

  private init(_ start: UnsafeRawPointer, _ byteCount: Int) {
    self.start = start
    self.byteCount = byteCount
  }

  /// Gives the memory of whole pages of a mapped file back, if these bytes are of one; they are read from the disk again
  /// when they are touched again.
  package static func letGo(_ storage: Storage) {
    if storage.owner is MappedFile {
      Platform.letGo(UnsafeRawPointer(storage.pointer), byteCount: storage.byteCount)
    }
  }

  deinit { Platform.unmap(start, byteCount: byteCount) }
}
