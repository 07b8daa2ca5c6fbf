extension LoadReport: CustomStringConvertible {
  /// A table of at most 100 columns: what matched is counted, everything else is listed.
  ///
  /// Long names lose some of their middle, as what tells them apart is mostly at the end; `rows` has them whole.
  public var description: String {
    let head = Self.wrapped("\(source): \(summary)", indentation: 0).joined(separator: "\n")
    let shown = rows.filter { $0.outcome != .matched }
    if shown.isEmpty { return head }
    var table = [["", "variable", "", "in the file", ""]]
    for row in shown {
      table.append([
        row.outcome.words, row.variable ?? "-", Self.shortened(row.variableType ?? "", to: 20),
        row.sourceText, Self.shortened(row.sourceType ?? "", to: 20),
      ])
    }
    func width(_ column: Int) -> Int { table.map { $0[column].count }.max() ?? 0 }
    // Names share what the other columns leave.
    let room = Self.width - 5 * 2 - width(0) - width(2) - width(4)
    let longest = (width(1), width(3))
    let widths = (
      min(longest.0, max(room / 2, room - longest.1)), min(longest.1, max((room + 1) / 2, room - longest.0))
    )
    for index in table.indices {
      table[index][1] = Self.shortened(table[index][1], to: widths.0)
      table[index][3] = Self.shortened(table[index][3], to: widths.1)
    }
    var lines = [head]
    for (row, note) in zip(table, [""] + shown.map(\.note)) {
      let cells = row.indices.map { row[$0] + String(repeating: " ", count: width($0) - row[$0].count) }
      let line = "  " + cells.joined(separator: "  ")
      let isShort = note.isEmpty || line.count + 2 + note.count <= Self.width
      lines.append(Self.trimmed(isShort ? line + "  " + note : line))
      if !isShort { lines += Self.wrapped(note, indentation: 6) }
    }
    return lines.joined(separator: "\n")
  }

  private static let width = 100

  private static func trimmed(_ line: String) -> String {
    String(line.reversed().drop { $0 == " " }.reversed())
  }

  /// Without what is in the middle or before it, where it is longer than `length`.
  private static func shortened(_ text: String, to length: Int) -> String {
    guard text.count > length else { return text }
    return text.prefix(length / 4) + "…" + text.suffix(length - 1 - length / 4)
  }

  /// In lines of whole words.
  private static func wrapped(_ text: String, indentation: Int) -> [String] {
    let room = width - indentation
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      let word = shortened(String(word), to: room)
      if !line.isEmpty, line.count + 1 + word.count > room {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return (lines + [line]).map { String(repeating: " ", count: indentation) + $0 }
  }
}
