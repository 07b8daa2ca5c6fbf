internal import FirnGraph

/// Reads the few forms of Python that stand in the head of a `.npy` file; nothing is evaluated.
struct PythonLiteral {
  enum Value {
    case string(String)
    case bool(Bool)
    case tuple([Int])
    /// Passed over: only told apart.
    case list
  }

  private var rest: Substring
  private let fault: FileFault

  init(_ text: String, fault: FileFault) {
    rest = Substring(text)
    self.fault = fault
  }

  /// The whole text as a dictionary with texts as keys.
  mutating func dictionary() throws(FirnError) -> [(key: String, value: Value)] {
    var members: [(key: String, value: Value)] = []
    guard take("{") else { throw damaged }
    while !take("}") {
      let key = try string()
      guard take(":") else { throw damaged }
      let value = try value()
      guard !members.contains(where: { $0.key == key }) else { throw damaged }
      members.append((key, value))
      // After records nothing is looked at.
      if case .list = value { return members }
      if !take(",") {
        guard take("}") else { throw damaged }
        break
      }
    }
    skipSpace()
    guard rest.isEmpty else { throw damaged }
    return members
  }

  private mutating func value() throws(FirnError) -> Value {
    skipSpace()
    if word("True") { return .bool(true) }
    if word("False") { return .bool(false) }
    switch rest.first {
    case "'", "\"": return .string(try string())
    case "[": return .list
    case "(": return .tuple(try tuple())
    default: throw damaged
    }
  }

  private mutating func tuple() throws(FirnError) -> [Int] {
    var values: [Int] = []
    guard take("(") else { throw damaged }
    while !take(")") {
      skipSpace()
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let value = Int(digits) else { throw damaged }
      rest = rest.dropFirst(digits.count)
      // Python 2 wrote long integers so.
      _ = word("L")
      values.append(value)
      if !take(",") {
        // A number in parentheses is no tuple.
        guard take(")"), values.count > 1 else { throw damaged }
        break
      }
    }
    return values
  }

  private mutating func string() throws(FirnError) -> String {
    skipSpace()
    guard let quote = rest.first, quote == "'" || quote == "\"" else { throw damaged }
    rest = rest.dropFirst()
    let text = rest.prefix { $0 != quote && $0 != "\\" && $0 != "\n" }
    rest = rest.dropFirst(text.count)
    guard rest.first == quote else { throw damaged }
    rest = rest.dropFirst()
    return String(text)
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard rest.first == character else { return false }
    rest = rest.dropFirst()
    return true
  }

  private mutating func word(_ word: String) -> Bool {
    guard rest.hasPrefix(word) else { return false }
    rest = rest.dropFirst(word.count)
    return true
  }

  private mutating func skipSpace() { rest = rest.drop { $0 == " " || $0 == "\n" || $0 == "\t" } }

  private var damaged: FirnError { fault("has a damaged header") }
}
