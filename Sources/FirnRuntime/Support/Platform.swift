import FirnGraph
internal import Foundation

/// What the machine and its environment say.
enum Platform {
  static var coreCount: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// - Throws: where that many bytes are more than the machine has.
  static func requireMemory(_ byteCount: Int, for what: String) throws(FirnError) {
    let limit = ProcessInfo.processInfo.physicalMemory
    guard byteCount >= 0, UInt64(byteCount) <= limit else {
      throw FirnError(
        .invalidArgument, "\(what) takes \(byteCount) bytes of memory, the machine has \(limit)",
        remedy: "check the extents, or use smaller batches")
    }
  }

  static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
}

/// The default place of warnings.
package enum StandardError {
  package static func write(_ message: String) {
    FileHandle.standardError.write(Data("firn: warning: \(message)\n".utf8))
  }
}
