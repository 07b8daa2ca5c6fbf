import Foundation

/// Optional programs that some tests ask for a second opinion.
package enum InstalledProgram {
  /// Where the program is on the search path, or nil where it is not installed.
  package static func path(of name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
      .map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Graphviz, which lays drawings out.
  package static let dot = path(of: "dot")
}
