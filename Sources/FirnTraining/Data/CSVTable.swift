internal import FirnFiles
public import FirnGraph

/// A table of text, as a CSV file holds it: names of columns, then rows of cells.
///
/// RFC 4180: cells between commas, in quotes where they hold commas, quotes (doubled) or line ends. Lines end in LF or
/// CRLF, a byte order mark at the beginning is passed over, and so are lines with nothing in them. Spaces belong to
/// their cell.
///
///     let table = try CSVTable(contentsOf: "leaves.csv")
///     let kinds = try table.labels("kind")
///     let data = try DataSet([x: table.numbers(["length", "width"]), y: kinds.array])
public struct CSVTable: Hashable, Sendable {
  /// Where it came from, as errors say it.
  public let source: String
  /// The names of the columns.
  public let columns: [String]
  let rows: [[String]]
  /// For each row the line of the file that it begins in, from 1.
  let lines: [Int]

  /// The number of rows, that of names not counted.
  public var count: Int { rows.count }

  /// Reads a file of UTF-8.
  ///
  /// - Parameters:
  ///   - separator: between cells; a comma by default.
  ///   - hasHeader: whether the first row has names; else columns are called `0`, `1` and so on.
  /// - Throws: `.file` where the file cannot be read; `.parse`, with line and column, where a row has more or fewer
  ///   cells than the first, a quote is not closed, two columns have one name, or there is no row of data.
  /// - Complexity: O(bytes), all cells in memory.
  public init(contentsOf path: String, separator: Character = ",", hasHeader: Bool = true) throws(FirnError) {
    try self.init(
      parsing: try TextFile.read(path), source: path, separator: separator, hasHeader: hasHeader)
  }

  /// Reads text.
  ///
  /// - Parameters:
  ///   - source: what errors call it.
  ///   - separator: between cells; a comma by default.
  ///   - hasHeader: whether the first row has names.
  /// - Throws: `.parse` as reading a file does.
  public init(
    parsing text: String, source: String = "text", separator: Character = ",", hasHeader: Bool = true
  ) throws(FirnError) {
    var parser = CSVParser(text, source: source, separator: separator)
    var rows: [[String]] = []
    var lines: [Int] = []
    while let row = try parser.row() {
      if let first = rows.first, row.cells.count != first.count {
        throw FirnError(
          .parse,
          "'\(source)', line \(row.line): \(row.cells.count) cells, the first row has \(first.count)",
          remedy: "look for a comma too many or too few, or for a text with commas that wants quotes",
          place: "\(source):\(row.line)")
      }
      rows.append(row.cells)
      lines.append(row.line)
    }
    guard let first = rows.first else {
      throw FirnError(
        .parse, "'\(source)' is empty", remedy: "give a table with names and rows", place: source)
    }
    let columns = hasHeader ? first : first.indices.map { "\($0)" }
    var seen: Set<String> = []
    for (index, name) in columns.enumerated() where !seen.insert(name).inserted {
      throw FirnError(
        .parse, "'\(source)': column \(index + 1) is called '\(name)' as one before it is",
        remedy: "give each column a name of its own", place: "\(source):\(lines[0])")
    }
    self.source = source
    self.columns = columns
    self.rows = hasHeader ? Array(rows.dropFirst()) : rows
    self.lines = hasHeader ? Array(lines.dropFirst()) : lines
    guard !self.rows.isEmpty else {
      throw FirnError(
        .parse, "'\(source)' has names of columns and no rows", remedy: "give a table with rows",
        place: source)
    }
  }

  /// The number of a column.
  ///
  /// - Throws: `.unknownName` with the nearest names.
  func index(of column: String) throws(FirnError) -> Int {
    if let index = columns.firstIndex(of: column) { return index }
    throw FirnError(
      .unknownName, "'\(source)' has no column '\(column)'",
      remedy: NearestNames(to: column, among: columns).question
        ?? "it has " + columns.prefix(12).map { "'\($0)'" }.joined(separator: ", "), place: source)
  }

  /// The line of the file that a row begins in, from 1.
  package func line(ofRow row: Int) -> Int { lines[row] }

  /// An error about one cell.
  func fault(_ row: Int, _ column: Int, _ what: String, _ remedy: String) -> FirnError {
    FirnError(
      .parse, "'\(source)', line \(lines[row]), column \(column + 1) ('\(columns[column])'): \(what)",
      remedy: remedy, place: "\(source):\(lines[row]):\(column + 1)")
  }
}
