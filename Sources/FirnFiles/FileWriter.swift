package import FirnGraph

/// Writes to a file that is being made; see ``AtomicFile``.
package final class FileWriter {
  private let descriptor: Int32
  private let path: String
  private var buffer: [UInt8] = []
  private static let bufferSize = 1 << 16

  /// Bytes written so far.
  package private(set) var position = 0

  init(_ descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(FirnError) {
    position += bytes.count
    if buffer.count + bytes.count > Self.bufferSize { try flush() }
    if bytes.count < Self.bufferSize {
      buffer += bytes
    } else if !Platform.writeAll(descriptor, bytes) {
      throw unwritten
    }
  }

  package func write(_ bytes: [UInt8]) throws(FirnError) {
    try Self.typed { try bytes.withUnsafeBytes { try self.write($0) } }
  }

  package func write(_ bytes: Bytes) throws(FirnError) {
    try bytes.withUnsafeBytes { (raw) throws(FirnError) in try write(raw) }
  }

  func flush() throws(FirnError) {
    let written = buffer.withUnsafeBytes { Platform.writeAll(descriptor, $0) }
    buffer.removeAll(keepingCapacity: true)
    if !written { throw unwritten }
  }

  /// Why the last call has not written.
  private var unwritten: FirnError {
    guard Platform.hasLostItsReader else { return AtomicFile.fault(path, Platform.reason) }
    return AtomicFile.fault(
      path, "who read from it has gone (\(Platform.reason))", remedy: "read all of it, or write to a file")
  }

  /// `withUnsafeBytes` forgets the type of what its body throws.
  private static func typed(_ body: () throws -> Void) throws(FirnError) {
    do { try body() } catch let error as FirnError { throw error } catch {
      firnBug("FileWriter", "an error of another type: \(error)")
    }
  }
}
