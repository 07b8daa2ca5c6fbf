import FirnGraph

/// Reads a regular expression by recursive descent.
struct NameExpressionParser {
  private let source: String
  private let characters: [Character]
  private var position = 0
  private var depth = 0
  private(set) var groupCount = 0

  private typealias Node = NameExpression.Node
  private typealias Item = NameExpression.Element.Item

  init(_ source: String) {
    self.source = source
    characters = Array(source)
  }

  mutating func parse() throws(FirnError) -> NameExpression.Node {
    let node = try alternatives()
    if position < characters.count { throw fault("`)` without `(`") }
    return node
  }

  private var next: Character? { position < characters.count ? characters[position] : nil }

  private mutating func take(_ text: String) -> Bool {
    guard characters[position...].starts(with: text) else { return false }
    position += text.count
    return true
  }

  private func fault(_ message: String) -> FirnError {
    NamePattern.fault(source, "\(message), at character \(position + 1)")
  }

  private mutating func alternatives() throws(FirnError) -> Node {
    var parts = [try sequence()]
    while take("|") { parts.append(try sequence()) }
    return parts.count == 1 ? parts[0] : .alternatives(parts)
  }

  private mutating func sequence() throws(FirnError) -> Node {
    var parts: [Node] = []
    while let next, next != "|", next != ")" { parts.append(try repetition()) }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  private mutating func repetition() throws(FirnError) -> Node {
    let node = try atom()
    guard let (least, most) = try count() else { return node }
    if case .place = node { throw fault("a place in the name cannot be repeated") }
    let isGreedy = !take("?")
    if let next, next == "*" || next == "+" || next == "?" {
      throw fault("`\(next)` cannot stand behind a repetition")
    }
    return .repeated(node, least, most, isGreedy: isGreedy)
  }

  /// `*`, `+`, `?` or a count in braces, where one stands here; other braces stand for themselves.
  private mutating func count() throws(FirnError) -> (least: Int, most: Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    guard next == "{", let close = characters[position...].firstIndex(of: "}") else { return nil }
    let numbers = String(characters[position + 1..<close])
      .split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
    guard numbers.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }), !numbers[0].isEmpty else {
      return nil
    }
    let isOpen = numbers.count == 2 && numbers[1].isEmpty
    guard let least = Int(numbers[0]), let most = isOpen ? least : Int(numbers[numbers.count - 1]),
      least <= most,
      most <= NameExpression.instructionLimit
    else { throw fault("`{\(numbers.joined(separator: ","))}` is no count") }
    position = close + 1
    return (least, isOpen ? nil : most)
  }

  private mutating func atom() throws(FirnError) -> Node {
    guard let first = next else { throw fault("the pattern ends") }
    position += 1
    switch first {
    case "(": return try group()
    case "[": return .element(try set())
    case ".": return .element(.any)
    case "^": return .place(.start)
    case "$": return .place(.end)
    case "*", "+", "?":
      position -= 1
      throw fault("nothing stands before `\(first)`")
    case "\\": return try escape()
    default: return .element(.character(first))
    }
  }

  private mutating func group() throws(FirnError) -> Node {
    guard depth < Nesting.limit else { throw fault("groups nested more than \(Nesting.limit) deep") }
    depth += 1
    defer { depth -= 1 }
    var number: Int?
    if take("?:") {
      number = nil
    } else {
      if take("?<"), next != "=", next != "!" {
        while let letter = next, letter.isLetter || letter.isNumber || letter == "_" { position += 1 }
        guard take(">") else { throw fault("expected `>` behind a group's name") }
      } else if next == "?" || characters[position - 1] == "<" {
        throw fault("`(?` begins what takes more than one look at a name, which is not supported")
      }
      number = groupCount
      groupCount += 1
    }
    let inner = try alternatives()
    guard take(")") else { throw fault("expected `)`") }
    return number.map { .group($0, inner) } ?? inner
  }

  private mutating func escape() throws(FirnError) -> Node {
    guard let letter = next else { throw fault("the pattern ends behind a backslash") }
    switch letter {
    case "b", "B":
      position += 1
      return .place(.wordBoundary(isNegated: letter == "B"))
    case "A":
      position += 1
      return .place(.start)
    case "z", "Z":
      position += 1
      return .place(.end)
    default: break
    }
    if let kind = kind(letter) {
      position += 1
      return .element(.oneOf([kind], isNegated: false))
    }
    return .element(.character(try escapedCharacter()))
  }

  private func kind(_ letter: Character) -> Item? {
    switch letter {
    case "d", "D": .digit(isNegated: letter == "D")
    case "w", "W": .word(isNegated: letter == "W")
    case "s", "S": .blank(isNegated: letter == "S")
    default: nil
    }
  }

  /// What stands behind a backslash.
  private mutating func escapedCharacter() throws(FirnError) -> Character {
    guard let letter = next else { throw fault("the pattern ends behind a backslash") }
    position += 1
    switch letter {
    case "n": return "\n"
    case "t": return "\t"
    case "r": return "\r"
    case "u", "x":
      var digits = ""
      if take("{") {
        while let digit = next, digit.isHexDigit, digits.count < 8 {
          digits.append(digit)
          position += 1
        }
        guard take("}") else { throw fault("expected `}`") }
      } else {
        while let digit = next, digit.isHexDigit, digits.count < (letter == "u" ? 4 : 2) {
          digits.append(digit)
          position += 1
        }
      }
      guard let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init) else {
        throw fault("`\(digits)` is no character")
      }
      return Character(scalar)
    default:
      if letter.isASCII, letter.isLetter || letter.isNumber {
        throw fault("`\\\(letter)` is not supported")
      }
      return letter
    }
  }

  private mutating func set() throws(FirnError) -> NameExpression.Element {
    let isNegated = take("^")
    var items: [Item] = []
    while let letter = next, letter != "]" || items.isEmpty {
      position += 1
      if letter == "[" { throw fault("`[` in a set is written `\\[`") }
      if letter == "\\", let kind = next.flatMap({ kind($0) }) {
        position += 1
        items.append(kind)
        continue
      }
      let low = letter == "\\" ? try escapedCharacter() : letter
      guard next == "-", position + 1 < characters.count, characters[position + 1] != "]" else {
        items.append(.range(low...low))
        continue
      }
      position += 2
      let last = characters[position - 1]
      let high = last == "\\" ? try escapedCharacter() : last
      guard low <= high else { throw fault("`\(low)-\(high)` is empty") }
      items.append(.range(low...high))
    }
    guard take("]") else { throw fault("expected `]`") }
    return .oneOf(items, isNegated: isNegated)
  }
}
