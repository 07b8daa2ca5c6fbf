import FirnGraph

/// Reads the text form of a selection by recursive descent, one function a precedence level.
struct SelectionParser {
  let scalars: [Unicode.Scalar]
  var position = 0
  private var depth = 0

  /// How deep parentheses, `!` and blocks may nest.
  static let depthLimit = Nesting.limit

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  mutating func parse() throws(FirnError) -> Selection.Form {
    let form = try alternatives()
    if let found = peek() { throw fault("unexpected `\(Self.shown(found))`", "join parts with `&` or `|`") }
    return form
  }

  // MARK: Operators

  private mutating func alternatives() throws(FirnError) -> Selection.Form {
    var parts = [try conjunction()]
    while take("|") { parts.append(try conjunction()) }
    return parts.count == 1
      ? parts[0] : .any(.init(parts.flatMap { if case .any(let inner) = $0 { Array(inner) } else { [$0] } }))
  }

  private mutating func conjunction() throws(FirnError) -> Selection.Form {
    var parts = [try negation()]
    while take("&") { parts.append(try negation()) }
    return parts.count == 1
      ? parts[0] : .all(.init(parts.flatMap { if case .all(let inner) = $0 { Array(inner) } else { [$0] } }))
  }

  private mutating func negation() throws(FirnError) -> Selection.Form {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else { throw tooDeep() }
    return take("!") ? .not(try negation()) : try restriction()
  }

  private mutating func restriction() throws(FirnError) -> Selection.Form {
    var form: Selection.Form
    if take("(") {
      form = try alternatives()
      try expect(")", "close the parenthesis")
    } else {
      form = .atom(try atom())
    }
    var count = 0
    while peek() == "[" {
      count += 1
      guard depth + count <= Self.depthLimit else { throw tooDeep() }
      form = .block(form, try block())
    }
    return form
  }

  private func tooDeep() -> FirnError { fault("nested too deeply", "use fewer parentheses") }

  // MARK: Scanning

  /// The next scalar that is no blank.
  mutating func peek() -> Unicode.Scalar? {
    while position < scalars.count, scalars[position].properties.isWhitespace { position += 1 }
    return position < scalars.count ? scalars[position] : nil
  }

  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard peek() == scalar else { return false }
    position += 1
    return true
  }

  /// Takes `text` where it stands right here.
  mutating func take(_ text: String) -> Bool {
    let wanted = Array(text.unicodeScalars)
    guard peek() != nil, scalars[position...].starts(with: wanted) else { return false }
    position += wanted.count
    return true
  }

  mutating func expect(_ scalar: Unicode.Scalar, _ remedy: String) throws(FirnError) {
    guard take(scalar) else {
      let found = peek().map { "found `\(Self.shown($0))`" } ?? "but the text ends"
      throw fault("expected `\(scalar)`, \(found)", remedy)
    }
  }

  /// The letters, digits and `_ - . * /` that stand here; empty where there are none.
  mutating func word() -> String { scan(SelectionSyntax.isWord) }

  mutating func scan(_ belongs: (Unicode.Scalar) -> Bool) -> String {
    _ = peek()
    var result = String.UnicodeScalarView()
    while position < scalars.count, belongs(scalars[position]) {
      result.append(scalars[position])
      position += 1
    }
    return String(result)
  }

  /// The text again with a caret under the fault.
  func fault(_ message: String, _ remedy: String, at place: Int? = nil) -> FirnError {
    SelectionSyntax.fault(message, in: scalars, at: place ?? position, remedy: remedy)
  }

  static func shown(_ scalar: Unicode.Scalar) -> String {
    String(GraphSyntax.quoted(String(scalar)).dropFirst().dropLast())
  }
}
