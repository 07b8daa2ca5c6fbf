import Foundation

/// The optional program that lays drawings out.
package enum Graphviz {
  /// Where `dot` is, or nil where it is not installed.
  package static let program = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/dot" }.first { FileManager.default.isExecutableFile(atPath: $0) }
}
