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
    /// For numbers; kept whole as long as any left-aligned column can still be narrowed.
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

  /// The table as plain text, each line ended by a line break and at most `width` columns wide.
  ///
  /// - Parameter width: The limit, or `nil` to leave every row on its line.
  package func text(width: Int? = nil) -> String {
    text(width: width, rule: "-") { $0 }
  }

  /// The table with a rule made of `rule` and the lines of titles as `header` makes them.
  ///
  /// Words are wrapped; where that is not enough, names and long words are broken over lines. Only numbers wider than the
  /// limit are cut.
  ///
  /// - Parameter limit: The width that no line exceeds, or `nil` to leave every row on its line.
  package func text(width limit: Int?, rule: String, header: (String) -> String) -> String {
    let titles = columns.map { PlainText.singleLine($0.title) }
    return text(widths: fittedWidths(titles: titles, limit: limit), limit: limit, rule: rule, header: header)
  }

  /// The table with words wrapped and nothing cut: lines are at most `limit` columns wide where names, numbers and the
  /// longest words leave that.
  package func text(wrappedTo limit: Int) -> String {
    let titles = columns.map { PlainText.singleLine($0.title) }
    return text(widths: wrappingWidths(titles: titles, limit: limit), limit: nil, rule: "-") { $0 }
  }

  private func text(widths: [Int], limit: Int?, rule: String, header: (String) -> String) -> String {
    guard !columns.isEmpty else { return "" }
    let titles = columns.map { PlainText.singleLine($0.title) }
    var lines = [
      header(line(titles, widths: widths, limit: limit)),
      line(widths.map { String(repeating: rule, count: $0) }, widths: widths, limit: limit),
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
          line(cells.map { number < $0.count ? $0[number] : "" }, widths: widths, limit: limit))
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

  /// The width of each column: its widest cell, reduced until a line fits the limit.
  private func fittedWidths(titles: [String], limit: Int?) -> [Int] {
    var widths = titles.map(DisplayText.width(of:))
    for row in rows {
      for (index, cell) in row.enumerated() {
        widths[index] = max(widths[index], DisplayText.width(of: cell))
      }
    }
    guard let limit else { return widths }
    guard excess(of: widths, over: limit) > 0 else { return widths }
    // Wrapped words lose nothing; a cut number is worse than a cut name, and that worse than a cut word, so the ones
    // only give when the others have nothing left.
    widths = wrappingWidths(titles: titles, limit: limit)
    for (alignments, leastWidth) in [
      ([Alignment.name], TextTable.leastName), ([.left, .name], 1), ([.right], 1),
    ] {
      let least = columns.indices.map {
        alignments.contains(columns[$0].alignment) ? min(leastWidth, widths[$0]) : widths[$0]
      }
      _ = narrow(&widths, to: least, excess: excess(of: widths, over: limit))
    }
    return widths
  }

  private func firstWidest(of group: [Int], in widths: [Int]) -> Int? {
    group.reduce(nil as Int?) { best, index in
      guard let best else { return index }
      return widths[index] > widths[best] ? index : best
    }
  }

  private func line(_ cells: [String], widths: [Int], limit: Int?) -> String {
    var result = ""
    for (index, cell) in cells.enumerated() {
      if index > 0 { result += String(repeating: " ", count: TextTable.gap) }
      let text = DisplayText.truncated(cell, to: widths[index])
      switch columns[index].alignment {
      case .left, .name: result += DisplayText.padded(text, to: widths[index])
      case .right: result += DisplayText.paddedAtStart(text, to: widths[index])
      }
    }
    if let limit { result = DisplayText.truncated(result, to: limit) }
    return DisplayText.trimmedAtEnd(result)
  }
}
