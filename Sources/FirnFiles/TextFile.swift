package import FirnGraph

/// Files of UTF-8 text.
package enum TextFile {
  /// Writes the text as UTF-8, as ``AtomicFile/write(to:checking:_:)`` does.
  package static func write(_ text: String, to path: String) throws(FirnError) {
    try AtomicFile.write(to: path) { (file) throws(FirnError) in try file.write(Array(text.utf8)) }
  }

  /// The whole content of the file at `path`, which must be UTF-8.
  package static func read(_ path: String) throws(FirnError) -> String {
    guard let text = try MappedFile.open(path).text else {
      throw FirnError(.file, "'\(path)' is not UTF-8 text", remedy: "give a text file")
    }
    return text
  }
}
