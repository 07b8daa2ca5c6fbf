import FirnGraph

/// Which names a rule is about, and what it makes of them.
enum NamePattern: Hashable {
  /// `layers.{n}.{part}.weight` to `layer_{n+1}/{part}/kernel`: each brace is one component, or part of one; with an
  /// ellipsis, `{path...}`, any number.
  case template(String, String)
  /// A regular expression that must match whole, and a text in which `$1` stands for its first group.
  case regex(String, String)
  /// Text at the beginning of a name.
  case prefix(String, String)

  /// Ready to be asked.
  struct Compiled {
    fileprivate let pattern: NamePattern
    fileprivate let expression: NameExpression?
    /// What is captured, in order, and what a number there is more than what the name stands for.
    fileprivate let holes: [(name: String, shift: Int)]
  }

  /// - Throws: `.invalidArgument` where it is no pattern.
  func compiled() throws(FirnError) -> Compiled {
    switch self {
    case .prefix: return Compiled(pattern: self, expression: nil, holes: [])
    case .regex(let source, _):
      return Compiled(pattern: self, expression: try NameExpression(source), holes: [])
    case .template(let source, _):
      let pieces = try Self.pieces(source)
      for case .hole(_, let shift) in pieces where shift != 0 {
        throw Self.fault(source, "only the new name can count on")
      }
      return try Self.compiled(self, pieces)
    }
  }

  /// The other way round: what it makes names of, out of these; nil where that cannot be told.
  func compiledBackwards() throws(FirnError) -> Compiled? {
    switch self {
    case .prefix(let old, let new): return try NamePattern.prefix(new, old).compiled()
    case .regex: return nil
    case .template(let source, let target):
      func holes(_ pieces: [Piece]) -> Set<String> {
        Set(pieces.compactMap { if case .hole(let name, _) = $0 { name } else { nil } })
      }
      let pieces = try Self.pieces(target)
      guard holes(pieces).isSuperset(of: holes(try Self.pieces(source))) else { return nil }
      return try Self.compiled(.template(target, source), pieces)
    }
  }

  /// Tells the names that it may have made, whether or not they lead back to others.
  ///
  /// - Throws: `.invalidArgument` where its target is none.
  func compiledTarget() throws(FirnError) -> Compiled {
    switch self {
    case .prefix, .regex: firnBug("NamePattern", "only templates tell what they make")
    case .template(_, let target): return try Self.compiled(.template(target, ""), Self.pieces(target))
    }
  }

  private static func compiled(_ pattern: NamePattern, _ pieces: [Piece]) throws(FirnError) -> Compiled {
    var nodes: [NameExpression.Node] = []
    var holes: [(String, Int)] = []
    for piece in pieces {
      switch piece {
      case .text(let text): nodes += text.map { .element(.character($0)) }
      case .hole(let name, let shift):
        let element: NameExpression.Element =
          name.hasSuffix("...")
          ? .any : .oneOf([.range("."..."."), .range("/"..."/")], isNegated: true)
        nodes.append(.group(holes.count, .repeated(.element(element), 1, nil, isGreedy: true)))
        holes.append((name, shift))
      }
    }
    let expression = try NameExpression(.sequence(nodes), groupCount: holes.count, source: pattern.source)
    return Compiled(pattern: pattern, expression: expression, holes: holes)
  }

  static func fault(_ source: String, _ message: String) -> FirnError {
    FirnError(
      .invalidArgument, "name pattern `\(source)`: \(message)",
      remedy: "write a regular expression, or `layers.{n}.weight`")
  }

  fileprivate enum Piece {
    case text(String)
    /// A name in braces, and what is added to the number it stands for.
    case hole(String, Int)
  }

  fileprivate static func pieces(_ text: String) throws(FirnError) -> [Piece] {
    var pieces: [Piece] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      guard let close = rest[open...].firstIndex(of: "}") else { throw fault(text, "a brace is not closed") }
      if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
      let hole = rest[rest.index(after: open)..<close]
      let sign = hole.lastIndex { $0 == "+" || $0 == "-" }
      let name = String(hole[..<(sign ?? hole.endIndex)])
      let shift = sign.map { Int(hole[$0...]) } ?? 0
      guard !name.isEmpty, let shift else { throw fault(text, "`{\(hole)}` is no name") }
      pieces.append(.hole(name, shift))
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { pieces.append(.text(String(rest))) }
    return pieces
  }
}

extension NamePattern.Compiled {
  /// The new name; nil where the rule is not about this one.
  func apply(to name: String) throws(FirnError) -> String? {
    switch pattern {
    case .prefix(let old, let new): return name.hasPrefix(old) ? new + name.dropFirst(old.count) : nil
    case .regex(_, let target): return match(name).map { expand(target, $0) }
    case .template(_, let target):
      guard let groups = match(name) else { return nil }
      return try expand(target, groups, of: name)
    }
  }

  /// What the braces stand for in a name, by their names; nil where the rule is not about this one.
  func captures(in name: String) -> [String: String]? {
    match(name).map { Dictionary(zip(holes.map(\.name), $0), uniquingKeysWith: { $1 }) }
  }

  private func expand(_ target: String, _ groups: [String], of name: String) throws(FirnError) -> String {
    var result = ""
    for piece in try NamePattern.pieces(target) {
      switch piece {
      case .text(let text): result += text
      case .hole(let hole, let shift):
        guard let index = holes.firstIndex(where: { $0.name == hole }) else {
          throw NamePattern.fault(target, "`{\(hole)}` is not in the old name")
        }
        let (further, isTooFar) = shift.subtractingReportingOverflow(holes[index].shift)
        if further == 0, !isTooFar {
          result += groups[index]
          continue
        }
        guard let number = Int(groups[index]) else {
          throw NamePattern.fault(target, "`\(groups[index])` in `\(name)` is no number")
        }
        let (sum, overflow) = number.addingReportingOverflow(further)
        if overflow || isTooFar {
          throw NamePattern.fault(target, "`\(groups[index])` in `\(name)` is too large to count on from")
        }
        result += String(sum)
      }
    }
    return result
  }

  /// What the groups captured; nil where the name does not match whole.
  private func match(_ name: String) -> [String]? { expression?.match(name) }

  private func expand(_ target: String, _ groups: [String]) -> String {
    var result = ""
    var rest = target[...]
    while let sign = rest.firstIndex(of: "$") {
      result += rest[..<sign]
      let digits = rest[rest.index(after: sign)...].prefix { $0.isASCII && $0.isNumber }
      if let group = Int(digits), groups.indices.contains(group - 1) {
        result += groups[group - 1]
      } else {
        result += "$" + digits
      }
      rest = rest[digits.endIndex...]
    }
    return result + rest
  }
}
