package import FirnGraph
internal import Foundation

/// Files of UTF-8 text.
package enum TextFile {
  /// Writes the text as UTF-8, as ``AtomicFile/write(to:checking:_:)`` does.
  package static func write(_ text: String, to path: String) throws(FirnError) {
    try AtomicFile.write(to: path) { (file) throws(FirnError) in try file.write(Array(text.utf8)) }
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
}
