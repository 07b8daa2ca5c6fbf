/// Text of unknown origin, such as names from files, made fit to be shown.
///
/// What a terminal obeys instead of showing it goes: control characters, among them the escape that begins a command,
/// line and paragraph separators, and the characters that turn the direction of what follows. Each becomes a space.
package enum PlainText {
  /// The text on one line.
  package static func singleLine(_ text: String) -> String {
    guard needsCare(text) else { return text }
    return String(text.map { $0.unicodeScalars.contains(where: isObeyed) ? " " : $0 })
  }

  /// The text with its line breaks, tabs and the styles that Firn itself writes: bold, dim and neither.
  package static func styledLines(_ text: String) -> String {
    guard needsCare(text) else { return text }
    var result = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      if scalar == "\u{1B}", let style = styles.first(where: { rest.starts(with: $0.unicodeScalars) }) {
        result.append(scalar)
        result.append(contentsOf: style.unicodeScalars)
        rest.removeFirst(style.unicodeScalars.count)
      } else {
        result.append(scalar != "\n" && scalar != "\t" && isObeyed(scalar) ? " " : scalar)
      }
    }
    return String(result)
  }

  /// Whether a terminal acts on it, or shows what follows in another order.
  package static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case ..<0x20, 0x7F...0x9F: true
    case 0x2028, 0x2029: true
    // Marks, embeddings, overrides and isolates of direction.
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  private static let styles = ["[0m", "[1m", "[2m"]

  /// Whether a byte may belong to such a character: a quick no for nearly all text.
  private static func needsCare(_ text: String) -> Bool {
    text.utf8.contains { $0 < 0x20 || $0 == 0x7F || $0 == 0xC2 || $0 == 0xD8 || $0 == 0xE2 }
  }
}
