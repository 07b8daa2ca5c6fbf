import FirnGraph
internal import Foundation

/// What the machine and its environment say.
enum Platform {
  static var coreCount: Int { ProcessInfo.processInfo.activeProcessorCount }

  static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
}

/// The default place of warnings.
package enum StandardError {
  package static func write(_ message: String) {
    FileHandle.standardError.write(Data("firn: warning: \(PlainText.singleLine(message))\n".utf8))
  }
}
