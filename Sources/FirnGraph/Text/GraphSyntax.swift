/// What printer and parser of the text form agree on.
enum GraphSyntax {
  static let version = 1

  /// Words that stand for themselves among attributes; a dimension of such a name prints as `1*inf`.
  static let reserved: Set<String> = ["true", "false", "inf", "nan", "f32", "f64", "i32", "bool"]

  /// How deep lists and graphs may nest in text that is read.
  static let depthLimit = 64
  /// How many elements a type in text that is read may have.
  static let elementLimit = 1 << 40
  /// How many terms the element count of a shape in text that is read may have.
  static let termLimit = 1 << 12

  static func attributes(of variable: Variable) -> Attributes {
    [
      "kind": .string(variable.kind.rawValue), "role": .string(variable.role),
      "trainable": .bool(variable.isTrainable), "initializer": variable.initializer.attribute,
    ]
  }

  static func unambiguous(_ dimension: Dimension) -> String {
    let text = dimension.description
    return reserved.contains(text) ? "1*" + text : text
  }

  /// `text` in quotation marks; quotation marks, backslashes and control characters escaped.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
