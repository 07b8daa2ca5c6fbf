import FirnGraph

/// Rows of text in aligned columns, for a terminal or a pipe.
///
/// ```
/// scope    status        cost
/// -------  -------  ---------
/// encoder  frozen   1.2 MFLOP
/// head     trained  310 FLOP
/// ```
///
/// The header is ruled with `-` as plain text, and bold with a fine rule where styles may be used. No line
/// ends in spaces.
package struct TextTable: Sendable, Hashable {
  /// The side at which a column's cells line up.
  package enum Alignment: Sendable {
    /// For words; wrapped where the table is too wide.
    case left
    /// For names, at the left too: kept whole as long as wrapping words helps, and then broken behind a `/` or `_`.
    case name
    /// For numbers; always whole, under headings that are shortened where nothing else can be narrowed.
    case right
  }

  /// A heading and the alignment of what stands under it.
  package struct Column: Sendable, Hashable {
    package var title: String
    package var alignment: Alignment

    package init(_ title: String, _ alignment: Alignment = .left) {
      self.title = title
      self.alignment = alignment
    }
  }

  package let columns: [Column]
  package private(set) var rows: [[String]] = []

  private static let gap = 2

  package init(_ columns: [Column]) {
    self.columns = columns
  }

  /// Appends a row; cells that are missing at the end are empty, and cells beyond the last column are left
  /// out.
  package mutating func append(_ cells: [String]) {
    rows.append(columns.indices.map { $0 < cells.count ? PlainText.singleLine(cells[$0]) : "" })
  }

  /// The columns it takes where nothing is cut.
  package var width: Int {
    fittedWidths(titles: columns.map { PlainText.singleLine($0.title) }, limit: nil).reduce(-TextTable.gap) {
      $0 + $1 + TextTable.gap
    }
  }

  /// The table as plain text, each line ended by a line break and at most `width` columns wide where numbers leave that.
  ///
  /// - Parameter width: The limit, or `nil` to leave every row on its line.
  package func text(width: Int? = nil) -> String {
    text(width: width, rule: "-") { $0 }
  }

  /// The table with a rule made of `rule` and the lines of titles as `header` makes them.
  ///
  /// Words are wrapped; where that is not enough, names and long words are broken over lines, and then headings of numbers
  /// are shortened. Numbers are never cut.
  ///
  /// - Parameter limit: The width that no line exceeds but for its numbers, or `nil` to leave every row on its line.
  package func text(width limit: Int?, rule: String, header: (String) -> String) -> String {
    let titles = columns.map { PlainText.singleLine($0.title) }
    return text(widths: fittedWidths(titles: titles, limit: limit), rule: rule, header: header)
  }

  /// The table with words wrapped and nothing cut: lines are at most `limit` columns wide where names, numbers and the
  /// longest words leave that.
  package func text(wrappedTo limit: Int) -> String {
    let titles = columns.map { PlainText.singleLine($0.title) }
    return text(widths: wrappingWidths(titles: titles, limit: limit), rule: "-") { $0 }
  }

  private func text(widths: [Int], rule: String, header: (String) -> String) -> String {
    guard !columns.isEmpty else { return "" }
    let titles = columns.map { PlainText.singleLine($0.title) }
    var lines = [
      header(line(titles, widths: widths)),
      line(widths.map { String(repeating: rule, count: $0) }, widths: widths),
    ]
    for row in rows {
      let cells = row.indices.map { column in
        switch columns[column].alignment {
        // What fits stays as it is, indented where it is.
        case .left where DisplayText.width(of: row[column]) <= widths[column]: [row[column]]
        case .left:
          TextReport.wrapped(row[column], width: widths[column])
            .flatMap { DisplayText.broken($0, to: widths[column]) }
        case .name: DisplayText.broken(row[column], to: widths[column])
        case .right: [row[column]]
        }
      }
      for number in 0..<max(1, cells.map(\.count).max() ?? 0) {
        lines.append(
          line(cells.map { number < $0.count ? $0[number] : "" }, widths: widths))
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The width of each column where those of words may be as narrow as their longest word.
  private func wrappingWidths(titles: [String], limit: Int) -> [Int] {
    var widths = fittedWidths(titles: titles, limit: nil)
    let least = columns.indices.map { column in
      guard columns[column].alignment == .left else { return widths[column] }
      let words = ([titles[column]] + rows.map { $0[column] }).flatMap { $0.split(separator: " ") }
      let longest = words.reduce(TextTable.leastWords) { max($0, DisplayText.width(of: String($1))) }
      return min(widths[column], longest)
    }
    _ = narrow(&widths, to: least, excess: excess(of: widths, over: limit))
    return widths
  }

  private func excess(of widths: [Int], over limit: Int) -> Int {
    widths.reduce(0, +) + TextTable.gap * (widths.count - 1) - limit
  }

  /// Takes from the widest column that is wider than its least, until nothing is in excess; gives what still is.
  private func narrow(_ widths: inout [Int], to least: [Int], excess: Int) -> Int {
    var excess = excess
    while excess > 0,
      let widest = firstWidest(of: columns.indices.filter { widths[$0] > least[$0] }, in: widths)
    {
      widths[widest] -= 1
      excess -= 1
    }
    return excess
  }

  /// Narrower than this, wrapped words are hard to read.
  private static let leastWords = 20
  /// Narrower than this, a name is hard to tell from others.
  private static let leastName = 24
  /// Narrower than this, broken names and words take more lines than anybody reads.
  private static let leastBroken = 8
  /// Narrower than this, a heading says nothing.
  private static let leastHeading = 4

  /// The width of each column: its widest cell, reduced until a line fits the limit.
  private func fittedWidths(titles: [String], limit: Int?) -> [Int] {
    var cells = columns.map { _ in 0 }
    for row in rows {
      for (index, cell) in row.enumerated() { cells[index] = max(cells[index], DisplayText.width(of: cell)) }
    }
    var widths = zip(titles, cells).map { max(DisplayText.width(of: $0), $1) }
    guard let limit else { return widths }
    guard excess(of: widths, over: limit) > 0 else { return widths }
    // Wrapped words and broken names lose nothing, so headings only give when these have nothing left.
    widths = wrappingWidths(titles: titles, limit: limit)
    func narrow(_ alignments: [Alignment], to least: (Int) -> Int) {
      let least = columns.indices.map {
        alignments.contains(columns[$0].alignment) ? min(least($0), widths[$0]) : widths[$0]
      }
      _ = self.narrow(&widths, to: least, excess: excess(of: widths, over: limit))
    }
    narrow([.name]) { _ in TextTable.leastName }
    narrow([.left, .name]) { _ in TextTable.leastBroken }
    narrow([.right]) { max(cells[$0], TextTable.leastHeading) }
    return widths
  }

  private func firstWidest(of group: [Int], in widths: [Int]) -> Int? {
    group.reduce(nil as Int?) { best, index in
      guard let best else { return index }
      return widths[index] > widths[best] ? index : best
    }
  }

  private func line(_ cells: [String], widths: [Int]) -> String {
    var result = ""
    for (index, cell) in cells.enumerated() {
      if index > 0 { result += String(repeating: " ", count: TextTable.gap) }
      let text = DisplayText.truncated(cell, to: widths[index])
      switch columns[index].alignment {
      case .left, .name: result += DisplayText.padded(text, to: widths[index])
      case .right: result += DisplayText.paddedAtStart(text, to: widths[index])
      }
    }
    return DisplayText.trimmedAtEnd(result)
  }
}
