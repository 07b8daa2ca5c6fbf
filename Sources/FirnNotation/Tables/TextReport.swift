import FirnGraph

/// Lines, paragraphs and tables, laid out when the width is known.
///
/// What the library's values print and what the command shows of them is one report: the command lays it out for its
/// terminal, `description` for 100 columns.
package struct TextReport: Sendable, Hashable {
  package enum Block: Sendable, Hashable {
    /// Stands as it is, however long.
    case line(String)
    /// Words over as many lines as they need, each behind `indent` spaces; `first` stands in place of the first line's.
    case paragraph(String, indent: Int, first: String?)
    case table(TextTable)
    case columns(TextColumns)
  }

  package private(set) var blocks: [Block] = []

  private static let width = 100

  package init() {}

  package mutating func line(_ text: String = "") { blocks.append(.line(PlainText.styledLines(text))) }

  package mutating func paragraph(_ text: String, indent: Int = 0, first: String? = nil) {
    blocks.append(
      .paragraph(PlainText.singleLine(text), indent: indent, first: first.map(PlainText.singleLine)))
  }

  package mutating func table(_ table: TextTable) { blocks.append(.table(table)) }

  package mutating func columns(_ columns: TextColumns) { blocks.append(.columns(columns)) }

  /// Facts below one another, each behind what it is; those without a text are left out.
  package mutating func facts(_ facts: KeyValuePairs<String, String?>) {
    let width = facts.reduce(0) { $1.value == nil ? $0 : max($0, DisplayText.width(of: $1.key)) }
    for (name, text) in facts {
      guard let text else { continue }
      paragraph(text, indent: width + 4, first: "  " + DisplayText.padded(name, to: width) + "  ")
    }
  }

  /// Another report below this one.
  package mutating func append(_ other: TextReport) { blocks += other.blocks }

  /// The report, each line ended by a line break.
  ///
  /// - Parameters:
  ///   - tableWidth: the width that tables may fill; nil where they may be as wide as they are.
  ///   - table: a table as text of at most that width.
  package func text(width: Int, tableWidth: Int?, table: (TextTable) -> String) -> String {
    blocks.map { block in
      switch block {
      case .line(let line): line + "\n"
      case .paragraph(let text, let indent, let first):
        Self.wrapped(text, width: width, indent: indent, first: first).map { $0 + "\n" }.joined()
      case .table(let content): table(content)
      case .columns(let columns): columns.tables(width: tableWidth).map(table).joined(separator: "\n")
      }
    }.joined()
  }

  /// The words of a text in lines of at most `width` columns, but for words that are longer; no line ends in spaces.
  package static func wrapped(
    _ text: String, width: Int, indent: Int = 0, first: String? = nil
  ) -> [String] {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    var current = first ?? margin
    var isEmpty = true
    for word in text.split(whereSeparator: \.isWhitespace) {
      if !isEmpty, DisplayText.width(of: current) + 1 + DisplayText.width(of: String(word)) > width {
        lines.append(current)
        (current, isEmpty) = (margin, true)
      }
      current += (isEmpty ? "" : " ") + word
      isEmpty = false
    }
    if !isEmpty || first != nil { lines.append(DisplayText.trimmedAtEnd(current)) }
    return lines
  }
}

extension TextReport: CustomStringConvertible {
  /// Within 100 columns where names and numbers leave that; nothing is cut, and no line break ends it.
  package var description: String {
    String(text(width: Self.width, tableWidth: Self.width) { $0.text(wrappedTo: Self.width) }.dropLast())
  }
}
