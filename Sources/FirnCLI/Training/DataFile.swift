internal import FirnFiles
internal import FirnFormats
internal import FirnGraph
internal import FirnTraining

/// A file of examples: a table in text, or arrays by name with a row for each example.
struct DataFile {
  enum Content {
    case table(CSVTable)
    case arrays(Weights)
  }

  /// As it was written on the command line.
  let name: String
  let content: Content

  /// A file that begins as archives, NumPy's files or safetensors do is read as that, any other as a table.
  ///
  /// - Throws: `FileFailure` for what cannot be read.
  init(_ written: String, in shell: Shell) throws {
    name = written
    let file = try InputFile(written, in: shell) { _ in true }
    do throws(FirnError) {
      let bytes: Bytes
      if let given = file.bytes { bytes = given } else { bytes = try MappedFile.open(file.path) }
      guard Weights.mayBegin(bytes), !Self.isText(bytes) else {
        content = .table(try Self.table(bytes, source: written))
        return
      }
      content = .arrays(
        file.bytes == nil ? try Weights(contentsOf: file.path) : try Weights(bytes, source: file.name))
    } catch {
      throw file.naming(error)
    }
  }

  /// Whether the first bytes are those of a line of text.
  private static func isText(_ bytes: Bytes) -> Bool {
    let head = bytes.withUnsafeBytes { Array($0.prefix(64)) }
    return !head.isEmpty && head.allSatisfy { $0 >= 32 && $0 < 127 || [9, 10, 13].contains($0) }
  }

  /// A table whose cells stand between commas, or where its first line has none, between tabs or semicolons; a first
  /// line of numbers alone names no columns.
  private static func table(_ bytes: Bytes, source: String) throws(FirnError) -> CSVTable {
    guard let text = bytes.text else {
      throw FirnError(
        .parse, "'\(source)' is no text of UTF-8, and no file of arrays either",
        remedy: "give a table (.csv, .tsv), or arrays by name (.npz, .safetensors)", place: source)
    }
    let head = text.prefix { !$0.isNewline }
    let separator = [Character(","), "\t", ";"].first { head.contains($0) } ?? ","
    let cells = head.split(separator: separator).map { $0.filter { $0 != " " && $0 != "\u{FEFF}" } }
    let hasHeader = cells.isEmpty || cells.contains { Double($0) == nil }
    return try CSVTable(parsing: text, source: source, separator: separator, hasHeader: hasHeader)
  }

  /// Where a row stands: in a sentence, and in short.
  func place(ofRow row: Int) -> (words: String, short: String) {
    switch content {
    case .table(let table):
      let line = table.line(ofRow: row)
      return ("'\(name)', line \(line)", "\(name):\(line)")
    case .arrays: return ("'\(name)', row \(row)", name)
    }
  }

  /// Names of its columns or arrays.
  var names: [String] {
    switch content {
    case .table(let table): table.columns
    case .arrays(let weights): weights.entries.map(\.name)
    }
  }
}
