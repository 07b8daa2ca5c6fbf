import FirnCompiler
import FirnGraph
internal import Foundation

/// Writes each stage of a compilation to a directory as `NN-name.firn` and `NN-name.dot`, when the environment variable
/// `FIRN_DUMP` names one.
struct DirectoryDump: StageDump {
  let directory: String

  static func fromEnvironment() -> DirectoryDump? {
    Platform.environment("FIRN_DUMP").map(DirectoryDump.init)
  }

  func stage(_ name: String, _ graph: GraphDef, at position: Int) {
    let number = position < 10 ? "0\(position)" : "\(position)"
    let base = "\(directory)/\(number)-\(name)"
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try graph.text.write(toFile: base + ".firn", atomically: true, encoding: .utf8)
      try graph.dot().write(toFile: base + ".dot", atomically: true, encoding: .utf8)
    } catch {
      StandardError.write("FIRN_DUMP: cannot write \(base): \(error.localizedDescription)")
    }
  }
}
