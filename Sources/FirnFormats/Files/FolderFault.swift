import FirnGraph
import Foundation

/// The error of naming a folder where a graph file should be.
struct FolderFault {
  let error: FirnError

  /// Nil where no folder stands at `path`.
  init?(_ path: String) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      return nil
    }
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter {
      $0.hasSuffix(".firn")
    }.sorted()
    let shown = names.prefix(4).joined(separator: ", ") + (names.count > 4 ? ", …" : "")
    error = FirnError(
      .file, "'\(path)' is a folder",
      remedy: names.isEmpty ? "name a graph file; there is none in it" : "name a file in it: \(shown)")
  }
}
