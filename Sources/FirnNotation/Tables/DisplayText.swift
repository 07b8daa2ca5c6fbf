/// The width of text in terminal columns, and text cut or padded to a width.
///
/// Combining marks fill no column, East Asian wide characters and emoji two, all else one.
package enum DisplayText {
  /// The number of columns that the text fills.
  package static func width(of text: String) -> Int {
    text.reduce(0) { $0 + width(of: $1) }
  }

  /// The number of columns that one character fills.
  package static func width(of character: Character) -> Int {
    var widest = 0
    for scalar in character.unicodeScalars {
      // Variation selector 16 asks for the emoji form, which is wide whatever the base character is.
      if scalar.value == 0xFE0F && widest > 0 { return 2 }
      widest = max(widest, width(of: scalar))
    }
    return widest
  }

  /// The text, cut with a closing `…` where it is wider than `limit` columns.
  package static func truncated(_ text: String, to limit: Int) -> String {
    guard width(of: text) > limit else { return text }
    guard limit > 0 else { return "" }
    var kept = ""
    var filled = 1
    for character in text {
      filled += width(of: character)
      if filled > limit { break }
      kept.append(character)
    }
    return kept + "…"
  }

  /// The text over lines of at most `limit` columns, broken behind a `/` or `_` where there is one, those after the first
  /// set in by two columns more than it where there is room.
  package static func broken(_ text: String, to limit: Int) -> [String] {
    guard limit > 0, width(of: text) > limit else { return [text] }
    let indent = text.prefix { $0 == " " }.count + 2
    let margin = String(repeating: " ", count: indent * 3 < limit ? indent : 0)
    var lines: [String] = []
    var (line, filled) = ("", 0)
    /// How much of the line stands before its last place to break.
    var (place, isBroken) = ("", false)
    for character in text {
      let own = width(of: character)
      if filled + own > limit, !line.isEmpty, line != margin {
        let head = isBroken ? place : line
        let rest = line.dropFirst(head.count)
        lines.append(head)
        line = margin + rest
        (filled, isBroken) = (width(of: line), false)
      }
      line.append(character)
      filled += own
      if character == "/" || character == "_" { (place, isBroken) = (line, true) }
    }
    return lines + [line]
  }

  /// The text with spaces at its end, up to `width` columns.
  package static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - self.width(of: text)))
  }

  /// The text with spaces at its start, up to `width` columns.
  package static func paddedAtStart(_ text: String, to width: Int) -> String {
    String(repeating: " ", count: max(0, width - self.width(of: text))) + text
  }

  /// The text without spaces at its end.
  package static func trimmedAtEnd(_ text: String) -> String {
    let end = text.lastIndex { $0 != " " }.map { text.index(after: $0) } ?? text.startIndex
    return String(text[..<end])
  }

  private static func width(of scalar: Unicode.Scalar) -> Int {
    if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7F ? 1 : 0 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control, .lineSeparator, .paragraphSeparator: return 0
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
      0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
      return 2
    default:
      return scalar.properties.isEmojiPresentation ? 2 : 1
    }
  }
}
