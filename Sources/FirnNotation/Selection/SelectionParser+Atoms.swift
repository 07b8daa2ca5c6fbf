import FirnGraph

extension SelectionParser {
  mutating func atom() throws(FirnError) -> Selection.Atom {
    _ = peek()
    let start = position
    let word = word()
    if word.isEmpty {
      throw fault("expected a path, `role(…)`, `!` or `(`", "write a scope such as `encoder`")
    }
    let end = position
    if peek() == "(", end == position || Self.functions.contains(word) {
      guard Self.functions.contains(word) else {
        throw fault(
          "unknown function `\(word.prefix(80))`",
          NearestNames(to: word, among: Self.functions).question
            ?? "the functions are " + Self.functions.joined(separator: ", "), at: start)
      }
      position += 1
      let atom = try arguments(of: word)
      try expect(")", "close the parenthesis of `\(word)(`")
      return atom
    }
    if let relation = try relation(after: word, at: start) { return relation }
    if let fact = Selection.Fact(rawValue: word) { return .fact(fact) }
    return .path(PathPattern(try path(word, at: start)))
  }

  private static let functions = [
    "role", "first", "last", "children", "upstream", "downstream",
  ]

  private mutating func arguments(of function: String) throws(FirnError) -> Selection.Atom {
    switch function {
    case "role": return .role(try name("role(name)", "write for instance role(bias)"))
    case "children": return .children(of: try scope())
    case "upstream": return .upstream(of: try node())
    case "downstream": return .downstream(of: try node())
    default:
      _ = peek()
      let start = position
      let count = try integer("how many children", "write for instance \(function)(2, encoder)")
      guard count > 0 else { throw fault("0 children name nothing", "count from 1", at: start) }
      try expect(",", "write for instance \(function)(2, encoder)")
      return .edge(function == "first" ? .first : .last, count, of: try scope())
    }
  }

  // MARK: Names

  /// `word` without a leading `./`, its components checked.
  private func path(_ word: String, at start: Int) throws(FirnError) -> String {
    let path = word.hasPrefix("./") ? String(word.dropFirst(2)) : word
    if word == "." {
      throw fault("`.` is the root, not a variable", "write `**` for all variables", at: start)
    }
    if path.isEmpty || path.hasPrefix("/") || path.hasSuffix("/") || path.contains("//") {
      throw fault("`\(word.prefix(80))` has an empty component", "write paths as `scope/name`", at: start)
    }
    return path
  }

  private mutating func scope() throws(FirnError) -> String {
    _ = peek()
    let start = position
    let word = word()
    if word.isEmpty { throw fault("expected a scope", "write a path such as `encoder`, or `.` for the root") }
    if word == "." { return "" }
    let path = try path(word, at: start)
    guard !path.contains("*") else {
      throw fault(
        "`\(path.prefix(80))` may be several scopes", "name one scope, without wildcards", at: start)
    }
    return path
  }

  private mutating func node() throws(FirnError) -> String {
    _ = peek()
    let start = position
    let word = word()
    if word.isEmpty { throw fault("expected a node", "write its path, as `firn inspect` lists it") }
    guard !word.contains("*") else {
      throw fault("`\(word.prefix(80))` may be several nodes", "name one node, without wildcards", at: start)
    }
    guard Path.isValid(word) else {
      throw fault("`\(word.prefix(80))` has an empty component", "write paths as `scope/name`", at: start)
    }
    guard position < scalars.count, scalars[position] == ":" else { return word }
    position += 1
    return "\(word):\(try integer("the number of a result", "write for instance split:1"))"
  }

  /// A role's or a gate's name: a word, or text in quotation marks.
  mutating func name(_ expected: String, _ remedy: String) throws(FirnError) -> String {
    guard peek() == "\"" else {
      let word = word()
      if word.isEmpty { throw fault("expected `\(expected)`", remedy) }
      return word
    }
    let start = position
    position += 1
    while position < scalars.count, scalars[position] != "\"" {
      position += scalars[position] == "\\" ? 2 : 1
    }
    guard position < scalars.count else {
      position = start
      throw fault("this name has no end", "close it with `\"`")
    }
    position += 1
    var literal = String.UnicodeScalarView()
    literal.append(contentsOf: scalars[start..<position])
    do {
      var lexer = GraphLexer(String(literal))
      let name = try lexer.contents(lexer.next())
      if !name.isEmpty { return name }
    } catch {
      throw fault("this name has a fault in its escapes", error.remedy ?? remedy, at: start)
    }
    throw fault("an empty name", remedy, at: start)
  }

  // MARK: Comparisons

  private mutating func relation(after word: String, at start: Int) throws(FirnError) -> Selection.Atom? {
    _ = peek()
    let place = position
    let relations: [Selection.Relation] = [.notEqual, .lessOrEqual, .greaterOrEqual, .equal, .less, .greater]
    guard let relation = relations.first(where: { take($0.rawValue) }) else { return nil }
    guard ["rank", "count", "dtype"].contains(word) else {
      throw fault(
        "`\(word.prefix(80))` is not compared with anything", "compare rank, count or dtype", at: start)
    }
    if relation == .equal, position < scalars.count, scalars[position] == "=" {
      throw fault("`==` is no comparison", "write `=`", at: place)
    }
    guard word == "dtype" else {
      let number = try number()
      return word == "rank" ? .rank(relation, number) : .count(relation, number)
    }
    guard relation == .equal || relation == .notEqual else {
      throw fault("element types have no order", "use `=` or `!=`", at: place)
    }
    _ = peek()
    let typePlace = position
    let name = self.word()
    guard let dtype = DType(rawValue: name) else {
      throw fault(
        name.isEmpty ? "expected an element type" : "unknown element type `\(name.prefix(80))`",
        "use " + DType.allCases.map(\.rawValue).joined(separator: ", "), at: typePlace)
    }
    return .dtype(relation, dtype)
  }

  private mutating func number() throws(FirnError) -> Double {
    _ = peek()
    let start = position
    let text = scan { SelectionSyntax.isWord($0) || $0 == "+" }
    guard !text.isEmpty else { throw fault("expected a number", "write for instance 1e6") }
    let isDecimal = text.utf8.allSatisfy { GraphLexer.isDigit($0) || ".eE+-".utf8.contains($0) }
    guard isDecimal, let number = Double(text), number.isFinite else {
      throw fault("`\(text.prefix(40))` is not a number", "write for instance 1000 or 1e6", at: start)
    }
    // Minus zero compares as zero does, and prints as it.
    return number == 0 ? 0 : number
  }

  private mutating func integer(_ expected: String, _ remedy: String) throws(FirnError) -> Int {
    _ = peek()
    let start = position
    let digits = scan { ("0"..."9").contains($0) }
    guard !digits.isEmpty else { throw fault("expected \(expected)", remedy) }
    guard let number = Int(digits) else {
      throw fault("`\(digits.prefix(40))` is too large", "write a number of at most 18 digits", at: start)
    }
    return number
  }

  // MARK: Blocks

  /// `[0..<3]`, `[axis 1: 0..<3]` or `[gate: forget]`.
  mutating func block() throws(FirnError) -> Selection.BlockName {
    try expect("[", "open a block")
    guard let next = peek() else { throw expectedBlock() }
    let result: Selection.BlockName
    if ("0"..."9").contains(next) {
      result = .range(Block(axis: 0, range: try range()))
    } else {
      let start = position
      switch word() {
      case "axis":
        let axis = try integer(
          "the number of an axis", "axes count from 0: write for instance [axis 1: 0..<4]")
        try expect(":", "write for instance [axis 1: 0..<4]")
        result = .range(Block(axis: axis, range: try range()))
      case "gate":
        try expect(":", "write for instance [gate: forget]")
        result = .gate(try name("gate: name", "write for instance [gate: forget]"))
      default:
        position = start
        throw expectedBlock()
      }
    }
    try expect("]", "close the bracket")
    return result
  }

  private func expectedBlock() -> FirnError {
    fault("expected a block", "write `[0..<3]`, `[axis 1: 0..<3]` or `[gate: name]`")
  }

  private mutating func range() throws(FirnError) -> Range<Int> {
    _ = peek()
    let start = position
    let lower = try integer("the first position", "write for instance 0..<3")
    guard take("..<") else {
      throw fault("expected `..<`", "write for instance 0..<3; the end is not included")
    }
    let upper = try integer("the end of the block", "write for instance 0..<3; the end is not included")
    guard lower < upper else {
      throw fault("`\(lower)..<\(upper)` is empty", "the end, not included, comes after the start", at: start)
    }
    return lower..<upper
  }
}
