extension NameExpression {
  /// What the groups of a match of all of `name` hold, in order, empty where one took no part; nil where it does not match.
  ///
  /// - Complexity: O(name · expression).
  func match(_ name: String) -> [String]? {
    let text = Array(name)
    var threads = Threads(self)
    threads.add(0, [Int](repeating: -1, count: 2 * groupCount), at: 0, in: text)
    for (position, character) in text.enumerated() {
      if threads.list.isEmpty { return nil }
      var next = Threads(self)
      for (place, captures) in threads.list {
        guard case .element(let element) = instructions[place], element.fits(character) else { continue }
        next.add(place + 1, captures, at: position + 1, in: text)
      }
      threads = next
    }
    guard let end = threads.list.first(where: { instructions[$0.place] == .accept }) else { return nil }
    return (0..<groupCount).map { group in
      let (start, stop) = (end.captures[2 * group], end.captures[2 * group + 1])
      return start >= 0 && stop >= start ? String(text[start..<stop]) : ""
    }
  }

  /// The ways to match that have come to one place of the name, the preferred first; each instruction once.
  private struct Threads {
    private let expression: NameExpression
    private var isKnown: [Bool]
    private(set) var list: [(place: Int, captures: [Int])] = []

    init(_ expression: NameExpression) {
      self.expression = expression
      isKnown = Array(repeating: false, count: expression.instructions.count)
    }

    /// Follows what takes no character.
    mutating func add(_ start: Int, _ captures: [Int], at position: Int, in text: [Character]) {
      var pending = [(start, captures)]
      while var (place, captures) = pending.popLast() {
        while !isKnown[place] {
          isKnown[place] = true
          switch expression.instructions[place] {
          case .element, .accept: list.append((place, captures))
          case .jump(let target):
            place = target
            continue
          case .split(let first, let second):
            pending.append((second, captures))
            place = first
            continue
          case .save(let slot):
            captures[slot] = position
            place += 1
            continue
          case .place(let wanted):
            guard wanted.holds(at: position, in: text) else { break }
            place += 1
            continue
          }
          break
        }
      }
    }
  }
}

extension NameExpression.Place {
  fileprivate func holds(at position: Int, in text: [Character]) -> Bool {
    switch self {
    case .start: return position == 0
    case .end: return position == text.count
    case .wordBoundary(let isNegated):
      func isWord(_ index: Int) -> Bool { text.indices.contains(index) && text[index].isOfWord }
      return (isWord(position - 1) != isWord(position)) != isNegated
    }
  }
}

extension NameExpression.Element {
  fileprivate func fits(_ character: Character) -> Bool {
    switch self {
    case .character(let wanted): character == wanted
    case .any: !character.isNewline
    case .oneOf(let items, let isNegated): items.contains { $0.holds(character) } != isNegated
    }
  }
}

extension NameExpression.Element.Item {
  fileprivate func holds(_ character: Character) -> Bool {
    switch self {
    case .range(let range): range.contains(character)
    case .digit(let isNegated): (character.isASCII && character.isNumber) != isNegated
    case .word(let isNegated): character.isOfWord != isNegated
    case .blank(let isNegated): character.isWhitespace != isNegated
    }
  }
}

extension Character {
  fileprivate var isOfWord: Bool { isLetter || isNumber || self == "_" }
}
