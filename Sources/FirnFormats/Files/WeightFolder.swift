internal import FirnFiles
internal import FirnGraph
internal import Foundation

/// A folder given where a file of weights was wanted.
struct WeightFolder {
  private let path: String
  private let names: [String]

  /// Nil where there is no folder at `path`.
  init?(_ path: String) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      return nil
    }
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  /// The checkpoint within, where this is a SavedModel of TensorFlow.
  var savedModel: String? {
    let prefix = path + "/variables/variables"
    return FileManager.default.fileExists(atPath: prefix + ".index") ? prefix : nil
  }

  /// Says which of the files in it may be meant.
  var error: FirnError {
    let endings = [".index.json", ".safetensors", ".npz", ".npy", ".pth", ".pt", ".bin", ".index"]
    let files = endings.flatMap { ending in names.filter { $0.hasSuffix(ending) } }
    let remedy =
      files.isEmpty
      ? "name a file" : "name a file in it: " + files.prefix(3).joined(separator: ", ")
    return FirnError(.file, "'\(path)' is a folder", remedy: remedy, place: path)
  }
}
