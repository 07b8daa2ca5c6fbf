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
    /// For words; may be cut with `…` where the table is too wide.
    case left
    /// For names, at the left too: kept whole as long as words can still be cut.
    case name
    /// For numbers; kept whole as long as any left-aligned column can still be cut.
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
    rows.append(columns.indices.map { $0 < cells.count ? DisplayText.singleLine(cells[$0]) : "" })
  }

  /// The columns it takes where nothing is cut.
  package var width: Int {
    fittedWidths(titles: columns.map { DisplayText.singleLine($0.title) }, limit: nil).reduce(-TextTable.gap)
    {
      $0 + $1 + TextTable.gap
    }
  }

  /// The table as plain text, each line ended by a line break and at most `width` columns wide.
  ///
  /// - Parameter width: The limit, or `nil` to cut nothing.
  package func text(width: Int? = nil) -> String {
    text(width: width, rule: "-") { $0 }
  }

  /// The table with a rule made of `rule` and the line of titles as `header` makes it.
  ///
  /// - Parameter limit: The width that no line exceeds, or `nil` to cut nothing.
  package func text(width limit: Int?, rule: String, header: (String) -> String) -> String {
    guard !columns.isEmpty else { return "" }
    let titles = columns.map { DisplayText.singleLine($0.title) }
    let widths = fittedWidths(titles: titles, limit: limit)
    let rules = widths.map { String(repeating: rule, count: $0) }
    var lines = [
      header(line(titles, widths: widths, limit: limit)),
      line(rules, widths: widths, limit: limit),
    ]
    lines += rows.map { line($0, widths: widths, limit: limit) }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The table with words wrapped rather than cut: nothing is lost, and lines are at most `limit` columns wide where
  /// names, numbers and the longest words leave that.
  package func text(wrappedTo limit: Int) -> String {
    guard !columns.isEmpty else { return "" }
    let titles = columns.map { DisplayText.singleLine($0.title) }
    let widths = wrappingWidths(titles: titles, limit: limit)
    var lines = [
      line(titles, widths: widths, limit: nil),
      line(widths.map { String(repeating: "-", count: $0) }, widths: widths, limit: nil),
    ]
    for row in rows {
      let cells = row.indices.map { column in
        columns[column].alignment == .left
          ? TextReport.wrapped(row[column], width: widths[column]) : [row[column]]
      }
      for number in 0..<(cells.map(\.count).max() ?? 0) {
        lines.append(
          line(cells.map { number < $0.count ? $0[number] : "" }, widths: widths, limit: nil))
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
    var excess = widths.reduce(0, +) + TextTable.gap * (widths.count - 1) - limit
    while excess > 0,
      let widest = firstWidest(of: columns.indices.filter { widths[$0] > least[$0] }, in: widths)
    {
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }

  /// Narrower than this, wrapped words are hard to read.
  private static let leastWords = 20

  /// The width of each column: its widest cell, reduced until a line fits the limit.
  private func fittedWidths(titles: [String], limit: Int?) -> [Int] {
    var widths = titles.map(DisplayText.width(of:))
    for row in rows {
      for (index, cell) in row.enumerated() {
        widths[index] = max(widths[index], DisplayText.width(of: cell))
      }
    }
    guard let limit else { return widths }
    var excess = widths.reduce(0, +) + TextTable.gap * (widths.count - 1) - limit
    // A cut number is worse than a cut name, and that worse than a cut word, so the ones only give when the
    // others have nothing left.
    for alignment in [Alignment.left, .name, .right] {
      let group = columns.indices.filter { columns[$0].alignment == alignment }
      while excess > 0, let widest = firstWidest(of: group, in: widths), widths[widest] > 1 {
        widths[widest] -= 1
        excess -= 1
      }
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
