import FirnGraph

/// A regular expression that is matched in time proportional to a name's length, whatever it is.
///
/// All ways to match are followed side by side, as Thompson did ("Regular Expression Search Algorithm", CACM 11, 1968),
/// and of those that come to the end the one counts that a search with backtracking would have found first. What cannot
/// be matched so, looking around and back, is refused.
struct NameExpression: Sendable {
  enum Element: Hashable, Sendable {
    case character(Character)
    /// Any but a line break.
    case any
    case oneOf([Item], isNegated: Bool)

    enum Item: Hashable, Sendable {
      case range(ClosedRange<Character>)
      case digit(isNegated: Bool)
      case word(isNegated: Bool)
      case blank(isNegated: Bool)
    }
  }

  enum Place: Hashable, Sendable {
    case start, end
    case wordBoundary(isNegated: Bool)
  }

  indirect enum Node: Hashable, Sendable {
    case element(Element)
    case place(Place)
    case sequence([Node])
    case alternatives([Node])
    /// Captured under a number, from 0.
    case group(Int, Node)
    /// At least and at most so often; nil for any number.
    case repeated(Node, Int, Int?, isGreedy: Bool)
  }

  enum Instruction: Hashable, Sendable {
    case element(Element)
    case place(Place)
    /// Goes on at both, the first preferred.
    case split(Int, Int)
    case jump(Int)
    /// Notes where a group begins or ends.
    case save(Int)
    case accept
  }

  /// How large an expression may be once its repetitions are written out.
  static let instructionLimit = 4096

  let instructions: [Instruction]
  let groupCount: Int

  /// - Throws: `.invalidArgument` where it is too large.
  init(_ node: Node, groupCount: Int, source: String) throws(FirnError) {
    var writer = Writer(source: source)
    try writer.write(node)
    writer.instructions.append(.accept)
    instructions = writer.instructions
    self.groupCount = groupCount
  }

  /// - Throws: `.invalidArgument` with what in the text is at fault.
  init(_ source: String) throws(FirnError) {
    var parser = NameExpressionParser(source)
    let node = try parser.parse()
    try self.init(node, groupCount: parser.groupCount, source: source)
  }

  private struct Writer {
    let source: String
    var instructions: [Instruction] = []

    mutating func append(_ instruction: Instruction) throws(FirnError) {
      guard instructions.count < NameExpression.instructionLimit else {
        throw NamePattern.fault(source, "it is too large once its repetitions are written out")
      }
      instructions.append(instruction)
    }

    mutating func write(_ node: Node) throws(FirnError) {
      switch node {
      case .element(let element): try append(.element(element))
      case .place(let place): try append(.place(place))
      case .sequence(let parts): for part in parts { try write(part) }
      case .group(let number, let inner):
        try append(.save(2 * number))
        try write(inner)
        try append(.save(2 * number + 1))
      case .alternatives(let parts): try write(alternatives: parts)
      case .repeated(let inner, let least, let most, let isGreedy):
        for _ in 0..<least {
          let start = instructions.count
          try write(inner)
          // What writes nothing once never does, however often.
          if instructions.count == start { break }
        }
        if let most {
          try write(optional: inner, most - least, isGreedy)
        } else {
          let start = instructions.count
          try append(.accept)
          try write(inner)
          try append(.jump(start))
          split(at: start, to: instructions.count, isGreedy)
        }
      }
    }

    private mutating func write(alternatives parts: [Node]) throws(FirnError) {
      var ends: [Int] = []
      for part in parts.dropLast() {
        let start = instructions.count
        try append(.accept)
        try write(part)
        ends.append(instructions.count)
        try append(.accept)
        instructions[start] = .split(start + 1, instructions.count)
      }
      if let last = parts.last { try write(last) }
      for end in ends { instructions[end] = .jump(instructions.count) }
    }

    private mutating func write(optional node: Node, _ count: Int, _ isGreedy: Bool) throws(FirnError) {
      var starts: [Int] = []
      for _ in 0..<count {
        starts.append(instructions.count)
        try append(.accept)
        try write(node)
      }
      for start in starts { split(at: start, to: instructions.count, isGreedy) }
    }

    /// What follows `place`, or what stands at `end`, whichever is preferred.
    private mutating func split(at place: Int, to end: Int, _ isGreedy: Bool) {
      instructions[place] = isGreedy ? .split(place + 1, end) : .split(end, place + 1)
    }
  }
}
