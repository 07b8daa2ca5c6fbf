package import FirnGraph
internal import Foundation

/// Files that are there whole or not at all, also after a crash.
package enum AtomicFile {
  /// Calls `body` to write a new file and puts that in the place of the file at `path`, if there is one.
  ///
  /// The bytes go to a temporary name beside it, are brought to the disk, and the name is changed. A reader finds the
  /// old file or the new one; one that maps the old file keeps it. The new file has the old one's permission bits,
  /// though not its owner, other names or attributes. Symbolic links stay: the file they lead to is replaced or made. A
  /// process that dies meanwhile leaves `PATH.PROCESS-NUMBER.tmp`, which can be deleted.
  ///
  /// What is no regular file, such as a device, a pipe or `/dev/stdout`, is written into and stays what it is. Where who
  /// reads from a pipe goes before its end, that is an error, and no signal ends the process.
  ///
  /// - Parameter check: is given the temporary when it is whole; what it refuses does not take the place. With one
  ///   only regular files are written.
  /// - Throws: what `body` and `check` throw, or `.file` with path and reason; the old file is then unchanged, the
  ///   temporary removed. Of a stream what was written until then is written.
  package static func write(
    to path: String, checking check: ((String) throws(FirnError) -> Void)? = nil,
    _ body: (FileWriter) throws(FirnError) -> Void
  ) throws(FirnError) {
    switch try WritingPlace(path) {
    case .file(let place): try replace(place, checking: check, body)
    case .stream(let descriptor):
      defer { Platform.close(descriptor) }
      if check != nil {
        throw fault(path, "it is a pipe or a device, from which it could not be read", remedy: "name a file")
      }
      let writer = FileWriter(descriptor, path: path)
      try body(writer)
      try writer.flush()
    }
  }

  /// - Parameter reason: why a pipe or a device will not do, in words that go on after it.
  /// - Throws: `.file` unless a regular file stands at `path`, or could.
  package static func requireFile(at path: String, since reason: String) throws(FirnError) {
    guard case .stream(let descriptor) = try WritingPlace(path) else { return }
    Platform.close(descriptor)
    throw fault(path, "it is a pipe or a device, \(reason)", remedy: "name a file")
  }

  /// - Parameter path: of a regular file that is no link, or where nothing stands.
  private static func replace(
    _ path: String, checking check: ((String) throws(FirnError) -> Void)?,
    _ body: (FileWriter) throws(FirnError) -> Void
  ) throws(FirnError) {
    let temporary = temporary(for: path)
    let descriptor = Platform.create(temporary)
    guard descriptor >= 0 else { throw uncreated(path, Platform.reason) }
    do throws(FirnError) {
      defer { Platform.close(descriptor) }
      // Before a byte is in it: what others may not read they never could.
      if let permissions = Platform.permissions(path), !Platform.setPermissions(descriptor, permissions) {
        throw fault(path, Platform.reason)
      }
      let writer = FileWriter(descriptor, path: path)
      try body(writer)
      try writer.flush()
      guard Platform.synchronize(descriptor) else { throw fault(path, Platform.reason) }
      try check?(temporary)
    } catch {
      Platform.remove(temporary)
      throw error
    }
    guard Platform.rename(temporary, to: path) else {
      let error = fault(path, Platform.reason)
      Platform.remove(temporary)
      throw error
    }
    Platform.synchronizeDirectory(URL(fileURLWithPath: path).deletingLastPathComponent().path)
  }

  /// Why no file can be made at `path`, whose system's own reason is `reason`.
  private static func uncreated(_ path: String, _ reason: String) -> FirnError {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory) else {
      return fault(path, "there is no directory '\(folder)'", remedy: "create the directory first")
    }
    guard isDirectory.boolValue else {
      return fault(path, "'\(folder)' is not a directory", remedy: "choose another place")
    }
    guard FileManager.default.isWritableFile(atPath: folder) else {
      return fault(
        path, "'\(folder)' cannot be written", remedy: "choose another place or allow writing")
    }
    return fault(path, reason)
  }

  static func fault(
    _ path: String, _ reason: String,
    remedy: String = "look at the disk's free space and the file's permissions"
  ) -> FirnError {
    FirnError(.file, "cannot write '\(path)': \(reason)", remedy: remedy)
  }
}
