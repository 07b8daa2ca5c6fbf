/// Text and numbers as an SVG file needs them.
enum SVGText {
  /// The text with the characters that mean something to XML replaced, and those that it forbids as `�`.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\r": result += " "
      case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}"..."\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A coordinate, rounded to a hundredth.
  static func number(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    let text = (rounded == 0 ? 0 : rounded).description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// About how wide the text is, rather too wide than too narrow, as no font is at hand to ask.
  static func estimatedWidth(of text: String, fontSize: Double) -> Double {
    text.reduce(0) { $0 + relativeWidth(of: $1) } * fontSize
  }

  /// The text, cut with a closing `…` where it is wider than the limit.
  static func truncated(_ text: String, fontSize: Double, to limit: Double) -> String {
    guard estimatedWidth(of: text, fontSize: fontSize) > limit else { return text }
    var kept = ""
    var width = fontSize
    for character in text {
      width += relativeWidth(of: character) * fontSize
      if width > limit { break }
      kept.append(character)
    }
    return kept + "…"
  }

  /// The text in lines that are no wider than the limit where words allow it.
  static func wrapped(_ text: String, fontSize: Double, to limit: Double) -> [String] {
    var lines: [String] = []
    for word in text.split(whereSeparator: \.isWhitespace) {
      if let last = lines.last, estimatedWidth(of: last + " " + word, fontSize: fontSize) <= limit {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines.map { truncated($0, fontSize: fontSize, to: limit) }
  }

  private static func relativeWidth(of character: Character) -> Double {
    guard let value = character.unicodeScalars.first?.value else { return 0 }
    switch character {
    case "i", "j", "l", "t", "f", "I", ".", ",", ":", ";", "'", "|", "!", " ", "(", ")", "/": return 0.36
    case "m", "w", "M", "W", "@", "%": return 0.95
    default: break
    }
    if (0x2070...0x209F).contains(value) || [0xB2, 0xB3, 0xB9].contains(value) { return 0.4 }
    if character.isUppercase { return 0.72 }
    return value >= 0x1100 && !(0x2000...0x2BFF).contains(value) ? 1.05 : 0.61
  }
}
