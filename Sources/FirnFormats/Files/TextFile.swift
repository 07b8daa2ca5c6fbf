package import FirnGraph
internal import Foundation

/// Text files, written whole or not at all.
package enum TextFile {
  /// Writes the text as UTF-8 and puts it in the place of the file at the path, if there is one.
  ///
  /// A reader finds either the old text or the new one, never a part.
  ///
  /// - Parameters:
  ///   - text: The whole content.
  ///   - path: Where to write; its directory must exist.
  /// - Throws: `FirnError` with the path, the reason and a remedy; the old file is then unchanged.
  package static func write(_ text: String, to path: String) throws(FirnError) {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw fault(at: path, error: error)
    }
  }

  /// The whole content of the file at `path`, which must be UTF-8.
  package static func read(_ path: String) throws(FirnError) -> String {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw FirnError(
        .file, "cannot read '\(path)': \(error.localizedDescription)",
        remedy: "check the path and its permissions")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw FirnError(.file, "'\(path)' is not UTF-8 text", remedy: "give a text file")
    }
    return text
  }

  private static func fault(at path: String, error: any Error) -> FirnError {
    func fault(_ reason: String, remedy: String) -> FirnError {
      FirnError(.file, "cannot write '\(path)': \(reason)", remedy: remedy)
    }
    guard !path.isEmpty else { return fault("the path is empty", remedy: "name a file") }

    let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
      return fault("it is a directory", remedy: "name a file in it")
    }
    guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory) else {
      return fault("there is no directory '\(directory)'", remedy: "create the directory first")
    }
    guard isDirectory.boolValue else {
      return fault("'\(directory)' is not a directory", remedy: "choose another place")
    }
    guard FileManager.default.isWritableFile(atPath: directory) else {
      return fault("'\(directory)' cannot be written", remedy: "choose another place or allow writing")
    }
    return fault(
      error.localizedDescription, remedy: "look at the disk's free space and the file's permissions")
  }
}
