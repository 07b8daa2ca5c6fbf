import FirnGraph

/// What printer and parser of the text form agree on.
enum GraphSyntax {
  static let version = 1

  /// Words that stand for themselves among attributes; a dimension of such a name prints as `1*inf`.
  static let reserved: Set<String> = ["true", "false", "inf", "nan", "f32", "f64", "i32", "bool"]

  /// How many elements a type in text that is read may have.
  static let elementLimit = 1 << 40
  /// How many terms the element count of a shape in text that is read may have.
  static let termLimit = 1 << 12

  static func attributes(of variable: Variable) -> Attributes {
    var result: Attributes = [
      "kind": .string(variable.kind.rawValue), "role": .string(variable.role),
      "trainable": .bool(variable.isTrainable), "initializer": variable.initializer.attribute,
    ]
    if variable.isHeld { result.entries.append(.init(key: "held", value: .bool(true))) }
    if let shadow = variable.shadow {
      var words: [AttributeValue] = [.string(shadow.source), .double(shadow.decay), .int(shadow.interval)]
      if let counter = shadow.counter { words.append(.string(counter)) }
      result.entries.append(.init(key: "shadow", value: .list(words)))
    }
    guard let blocks = variable.blocks else { return result }
    result.entries.append(.init(key: "blocks", value: .list(blocks.names.map(AttributeValue.string))))
    if blocks.axis != variable.type.shape.rank - 1 {
      result.entries.append(.init(key: "block_axis", value: .int(blocks.axis)))
    }
    return result
  }

  /// What a variable follows: `["online/kernel", 0.99, 1]`, with the variable that counts steps where that is not 1.
  static func shadow(_ attributes: Attributes) throws(FirnError) -> Shadow? {
    guard let value = attributes["shadow"] else { return nil }
    guard case .list(let words) = value, (3...4).contains(words.count), case .string(let source) = words[0],
      let decay = words[1].number, case .int(let interval) = words[2]
    else {
      throw FirnError(
        .parse, "attribute `shadow` must be a list of a variable, a decay and a number of steps")
    }
    var counter: String?
    if words.count == 4 {
      guard case .string(let name) = words[3] else {
        throw FirnError(.parse, "attribute `shadow` must end in the name of what counts steps")
      }
      counter = name
    }
    return Shadow(of: source, decay: decay, interval: interval, counter: counter)
  }

  /// The names of a variable's blocks: along its last axis unless `block_axis` says another.
  static func blocks(_ attributes: Attributes, of shape: Shape) throws(FirnError) -> BlockNames? {
    guard let value = attributes["blocks"] else {
      if attributes["block_axis"] == nil { return nil }
      throw FirnError(.parse, "`block_axis` without `blocks`", remedy: "name the blocks")
    }
    guard case .list(let values) = value else {
      throw FirnError(.parse, "attribute `blocks` must be a list of names")
    }
    var names: [String] = []
    for value in values {
      guard case .string(let name) = value else {
        throw FirnError(.parse, "attribute `blocks` must be a list of names")
      }
      names.append(name)
    }
    let axis = attributes["block_axis"] == nil ? shape.rank - 1 : try attributes.int("block_axis")
    let result = BlockNames(names, axis: axis)
    if let fault = result.fault(in: shape) {
      throw FirnError(.parse, fault, remedy: "give names that differ, as many as divide the axis")
    }
    return result
  }

  static func unambiguous(_ dimension: Dim) -> String {
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

extension AttributeValue {
  fileprivate var number: Double? {
    switch self {
    case .double(let value): value
    case .int(let value): Double(value)
    default: nil
    }
  }
}
