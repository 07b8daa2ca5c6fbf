import FirnGraph

extension Selection: CustomStringConvertible {
  /// The text form, with no more parentheses than it needs; parsing it gives an equal selection.
  public var description: String { SelectionPrinter(form).text }
}

/// Writes the text form and remembers where each atom and block begins.
struct SelectionPrinter {
  private(set) var text = ""
  /// Offsets, in scalars, of atoms and blocks in the order they are written.
  private(set) var marks: [Int] = []
  private var length = 0

  init(_ form: Selection.Form) { print(form, within: .alternatives) }

  private enum Level: Int {
    case alternatives, conjunction, negation, primary
  }

  private mutating func print(_ form: Selection.Form, within level: Level) {
    let own: Level =
      switch form {
      case .any: .alternatives
      case .all: .conjunction
      case .not: .negation
      case .atom, .block, .invalid: .primary
      }
    if own.rawValue < level.rawValue {
      write("(")
      print(form, within: .alternatives)
      write(")")
      return
    }
    switch form {
    case .atom(let atom):
      marks.append(length)
      write(atom.text)
    case .block(let inner, let block):
      print(inner, within: .primary)
      marks.append(length)
      write(block.text)
    case .not(let inner):
      write("!")
      print(inner, within: .negation)
    case .all(let parts): print(parts, joinedBy: " & ", within: .negation)
    case .any(let parts): print(parts, joinedBy: " | ", within: .conjunction)
    case .invalid(let error): write("<\(error.message)>")
    }
  }

  private mutating func print(_ parts: Selection.PartList, joinedBy separator: String, within level: Level) {
    for (index, part) in parts.enumerated() {
      if index > 0 { write(separator) }
      print(part, within: level)
    }
  }

  private mutating func write(_ part: String) {
    text += part
    length += part.unicodeScalars.count
  }
}

extension Selection.Atom {
  var text: String {
    switch self {
    case .path(let pattern): Self.path(pattern.text)
    case .role(let role): "role(\(SelectionSyntax.name(role)))"
    case .fact(let fact): fact.rawValue
    case .rank(let relation, let number): "rank \(relation.rawValue) \(SelectionSyntax.number(number))"
    case .count(let relation, let number): "count \(relation.rawValue) \(SelectionSyntax.number(number))"
    case .dtype(let relation, let dtype): "dtype \(relation.rawValue) \(dtype)"
    case .edge(let edge, let count, let scope): "\(edge.rawValue)(\(count), \(Self.scope(scope)))"
    case .children(let scope): "children(\(Self.scope(scope)))"
    case .upstream(let node): "upstream(\(node))"
    case .downstream(let node): "downstream(\(node))"
    }
  }

  private static func path(_ text: String) -> String {
    let isOpen = text != "." && !text.hasPrefix("./") && Selection.Fact(rawValue: text) == nil
    return isOpen ? text : "./" + text
  }

  private static func scope(_ scope: String) -> String {
    if scope.isEmpty { return "." }
    return scope == "." || scope.hasPrefix("./") ? "./" + scope : scope
  }
}

extension Selection.BlockName {
  var text: String {
    switch self {
    case .range(let block): block.description
    case .gate(let name): "[gate: \(SelectionSyntax.name(name))]"
    }
  }
}

/// What printer and parser of selections agree on.
enum SelectionSyntax {
  /// Letters, digits and `_ - . * /`.
  static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".", "*", "/": true
    default: false
    }
  }

  /// A role's or a gate's name, in quotation marks where it is no word.
  static func name(_ name: String) -> String {
    name.unicodeScalars.allSatisfy(isWord) && !name.isEmpty ? name : GraphSyntax.quoted(name)
  }

  static func number(_ number: Double) -> String {
    abs(number) < 1e15 && number == number.rounded() ? String(Int(number)) : number.description
  }

  /// A fault in the text of a selection: the column, and below the text a caret under the fault.
  static func fault(
    _ message: String, in text: [Unicode.Scalar], at position: Int, remedy: String?
  ) -> FirnError {
    let before = text.prefix(position).suffix(70)
    let after = text.dropFirst(position).prefix(40)
    var excerpt = before.count < position ? "…" : ""
    let indent = String(repeating: " ", count: before.count + excerpt.unicodeScalars.count)
    for scalar in before + after {
      let isPlain = !scalar.properties.isWhitespace && scalar.value >= 0x20 && scalar.value != 0x7f
      excerpt.unicodeScalars.append(isPlain ? scalar : " ")
    }
    if before.count + after.count + (position - before.count) < text.count { excerpt += "…" }
    return FirnError(
      .invalidSelection, "selection, column \(position + 1): \(message)", remedy: remedy,
      excerpt: excerpt + "\n" + indent + "^")
  }
}
