/// Named columns of numbers, such as the loss of each step, as CSV text.
public struct CurveTable: Sendable, Hashable {
  /// A heading and the numbers under it.
  public struct Column: Sendable, Hashable {
    /// The heading.
    public var name: String
    /// The numbers from the first row on; `nil` where there is none.
    public var values: [Double?]

    /// Creates a column.
    public init(_ name: String, _ values: [Double?]) {
      self.name = name
      self.values = values
    }
  }

  /// The columns from left to right; they need not be of one length.
  public var columns: [Column]

  /// Creates a table.
  public init(columns: [Column] = []) {
    self.columns = columns
  }

  /// The number of rows of the longest column.
  public var rowCount: Int {
    columns.map(\.values.count).max() ?? 0
  }

  /// The table as CSV: a line of headings, then a line for each row, quoted as RFC 4180 says.
  ///
  /// Numbers are written in the shortest form that reads back as the same bits of a finite number; `nan`,
  /// `inf` and `-inf` are written so, and a missing value is empty. Lines end in a line feed alone, which
  /// suits version control and every reader, where the RFC has carriage return and line feed.
  public func csv() -> String {
    guard !columns.isEmpty else { return "" }
    var lines = [columns.map { CurveTable.quoted($0.name) }]
    for row in 0..<rowCount {
      lines.append(columns.map { row < $0.values.count ? CurveTable.text(of: $0.values[row]) : "" })
    }
    return lines.map { line($0) + "\n" }.joined()
  }

  private func line(_ fields: [String]) -> String {
    // Readers skip an empty line, and with it the row.
    fields == [""] ? "\"\"" : fields.joined(separator: ",")
  }

  private static func text(of value: Double?) -> String {
    guard let value else { return "" }
    let text = value.isNaN ? "nan" : value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func quoted(_ name: String) -> String {
    let needsQuotes = name.unicodeScalars.contains { [",", "\"", "\n", "\r"].contains($0) }
    let isPadded = name.first == " " || name.last == " "
    guard needsQuotes || isPadded else { return name }
    // By scalars, since a quote under a combining mark is no quote among characters.
    return "\"" + name.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
  }
}
