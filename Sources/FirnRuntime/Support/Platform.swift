import FirnGraph
internal import Foundation

/// What the machine and its environment say.
enum Platform {
  static var coreCount: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Bytes that are always asked for without looking; looking takes some 50 µs.
  private static let smallBytes = 1 << 20

  /// - Throws: where that many bytes are more than this process can still have. Where that is not known, as on macOS,
  ///   which makes room on disk as it goes, they are held against all that the machine has.
  static func requireMemory(_ byteCount: Int, for what: String) throws(FirnError) {
    if (0...smallBytes).contains(byteCount) { return }
    let whole = FreeMemory.Bound(
      byteCount: Int(clamping: ProcessInfo.processInfo.physicalMemory), reason: "on this machine")
    let bound = FreeMemory().bound ?? whole
    guard byteCount >= 0, byteCount <= bound.byteCount else {
      throw FirnError(
        .invalidArgument,
        "\(what) takes \(byteCount) bytes of memory, and \(bound.byteCount) are free \(bound.reason)",
        remedy: "check the extents, or use smaller batches")
    }
  }

  static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
}

/// The default place of warnings.
package enum StandardError {
  package static func write(_ message: String) {
    FileHandle.standardError.write(Data("firn: warning: \(PlainText.singleLine(message))\n".utf8))
  }
}
