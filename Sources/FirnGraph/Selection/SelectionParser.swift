/// Reads the text form of a selection by recursive descent, one function a precedence level.
struct SelectionParser {
  private let text: String
  private let characters: [Character]
  private var position = 0
  private var depth = 0

  init(_ text: String) {
    self.text = text
    characters = Array(text)
  }

  mutating func parse() throws(FirnError) -> Selection.Form {
    let form = try alternatives()
    skipSpaces()
    if position < characters.count {
      throw error("unexpected `\(characters[position])`", "join parts with `&` or `|`")
    }
    return form
  }

  private mutating func alternatives() throws(FirnError) -> Selection.Form {
    var form = try conjunction()
    while take("|") { form = .or(form, try conjunction()) }
    return form
  }

  private mutating func conjunction() throws(FirnError) -> Selection.Form {
    var form = try negation()
    while take("&") { form = .and(form, try negation()) }
    return form
  }

  private mutating func negation() throws(FirnError) -> Selection.Form {
    depth += 1
    defer { depth -= 1 }
    guard depth < 100 else { throw error("nested too deeply", "use fewer parentheses") }
    if take("!") { return .not(try negation()) }
    if take("(") {
      let form = try alternatives()
      guard take(")") else { throw error("expected `)`", "close the parenthesis") }
      return form
    }
    return try name()
  }

  private mutating func name() throws(FirnError) -> Selection.Form {
    skipSpaces()
    let start = position
    while position < characters.count, Self.isPathCharacter(characters[position]) { position += 1 }
    let word = String(characters[start..<position])
    if word.isEmpty {
      throw error("expected a path, `role(…)`, `!` or `(`", "write a scope such as `encoder`")
    }
    if position < characters.count, characters[position] == "(" {
      guard word == "role" else {
        position = start
        throw error("unknown function `\(word)`", "the function is role(…)")
      }
      position += 1
      skipSpaces()
      let first = position
      while position < characters.count, Self.isPathCharacter(characters[position]) { position += 1 }
      let role = String(characters[first..<position])
      guard !role.isEmpty, take(")") else {
        throw error("expected `role(name)`", "write for instance role(bias)")
      }
      return .role(role)
    }
    if word.hasPrefix("/") || word.hasSuffix("/") || word.contains("//") {
      position = start
      throw error("`\(word)` has an empty component", "write paths as `scope/name`")
    }
    return .path(PathPattern(word))
  }

  private static func isPathCharacter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber) || "_-.*/".contains(character)
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpaces()
    guard position < characters.count, characters[position] == character else { return false }
    position += 1
    return true
  }

  private mutating func skipSpaces() {
    while position < characters.count, characters[position].isWhitespace { position += 1 }
  }

  /// The text again with a caret under the fault.
  private func error(_ message: String, _ remedy: String) -> FirnError {
    FirnError(
      .invalidSelection, "selection, column \(position + 1): \(message)", remedy: remedy,
      operands: [
        .init(label: "in", name: text, type: nil),
        .init(label: "  ", name: String(repeating: " ", count: position) + "^", type: nil),
      ])
  }
}
