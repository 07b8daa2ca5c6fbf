internal import FirnFiles
import FirnCompiler
import FirnGraph
import FirnNotation
internal import Foundation

/// Writes the stages of one compilation as `NN-name.firn` and `NN-name.dot`, when the environment variable `FIRN_DUMP`
/// names a directory.
///
/// Every compilation gets a folder of its own there: `program-1`, `program-2`, …
struct DirectoryDump: StageDump {
  let directory: String

  static func fromEnvironment() -> DirectoryDump? {
    guard let root = Platform.environment("FIRN_DUMP") else { return nil }
    var number = 1
    while FileManager.default.fileExists(atPath: "\(root)/program-\(number)") { number += 1 }
    return DirectoryDump(directory: "\(root)/program-\(number)")
  }

  func stage(_ name: String, _ graph: GraphDef, at position: Int) {
    let number = position < 10 ? "0\(position)" : "\(position)"
    let base = "\(directory)/\(number)-\(name)"
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try TextFile.write(graph.text, to: base + ".firn")
      try TextFile.write(graph.dot(DOTOptions(depth: .max)), to: base + ".dot")
    } catch let error as FirnError {
      StandardError.write("FIRN_DUMP: \(error.message)")
    } catch {
      StandardError.write("FIRN_DUMP: cannot write \(base): \(FileReason.words(error))")
    }
  }
}
