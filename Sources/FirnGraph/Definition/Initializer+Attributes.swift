/// The initialiser as an attribute list, so that it prints, parses and compares like an op's attributes.
extension Initializer {
  package var attribute: AttributeValue {
    switch form {
    case .constant(let value): .list([.string("constant"), .double(value)])
    case .uniform(let low, let high): .list([.string("uniform"), .double(low), .double(high)])
    case .normal(let mean, let deviation): .list([.string("normal"), .double(mean), .double(deviation)])
    case .truncatedNormal(let mean, let deviation):
      .list([.string("truncated_normal"), .double(mean), .double(deviation)])
    case .varianceScaling(let scale, let mode, let distribution):
      .list([
        .string("variance_scaling"), .double(scale), .string(mode.rawValue), .string(distribution.rawValue),
      ])
    case .orthogonal(let gain): .list([.string("orthogonal"), .double(gain)])
    case .identity(let gain): .list([.string("identity"), .double(gain)])
    case .array(let array): .list([.string("array"), .array(array)])
    case .columns(let columns):
      .list([.string("columns")] + columns.map { .list([.int($0.width), $0.initializer.attribute]) })
    case .zeroing(let row, let other): .list([.string("zeroing"), .int(row), other.attribute])
    // No declared variable has these.
    case .blocks: .list([.string("blocks")])
    case .function: .list([.string("function")])
    }
  }

  package init(_ attribute: AttributeValue) throws(FirnError) {
    guard case .list(let parts) = attribute, case .string(let kind)? = parts.first else {
      throw FirnError(.parse, "an initializer is a list that begins with its kind")
    }
    let numbers = parts.compactMap { part -> Double? in
      if case .double(let value) = part { value } else { nil }
    }
    switch (kind, parts.count, numbers.count) {
    case ("constant", 2, 1): self = .constant(numbers[0])
    case ("uniform", 3, 2): self = .uniform(numbers[0], numbers[1])
    case ("normal", 3, 2): self = .normal(mean: numbers[0], deviation: numbers[1])
    case ("truncated_normal", 3, 2): self = .truncatedNormal(mean: numbers[0], deviation: numbers[1])
    case ("orthogonal", 2, 1): self = .orthogonal(gain: numbers[0])
    case ("identity", 2, 1): self = .identity(gain: numbers[0])
    case ("variance_scaling", 4, 1):
      guard case .string(let mode) = parts[2], case .string(let distribution) = parts[3],
        let mode = FanMode(rawValue: mode), let distribution = Distribution(rawValue: distribution)
      else { throw FirnError(.parse, "variance_scaling needs a mode and a distribution") }
      self = .varianceScaling(scale: numbers[0], mode: mode, distribution: distribution)
    case ("array", 2, 0):
      guard case .array(let array) = parts[1] else {
        throw FirnError(.parse, "initializer `array` needs an array")
      }
      self = .array(array)
    case ("columns", 2..., 0):
      var columns: [Column] = []
      for part in parts.dropFirst() {
        guard case .list(let pair) = part, pair.count == 2, case .int(let width) = pair[0], width >= 0 else {
          throw FirnError(.parse, "a block of `columns` is [width, initializer]")
        }
        columns.append(Column(width: width, initializer: try Initializer(pair[1])))
      }
      self = Initializer(Form.columns(columns))
    case ("zeroing", 3, 0):
      guard case .int(let row) = parts[1] else {
        throw FirnError(.parse, "initializer `zeroing` needs a row and an initializer")
      }
      self = try Initializer(parts[2]).zeroing(row: row)
    default:
      throw FirnError(
        .parse, "unknown initializer `\(kind)` with \(parts.count - 1) arguments",
        remedy:
          "use constant, uniform, normal, truncated_normal, variance_scaling, orthogonal, identity, array, columns or "
          + "zeroing"
      )
    }
  }
}

extension Initializer: CustomStringConvertible {
  /// As graph text has it, shortened: `zeros`, `normal(0.0, 0.05)`, `array(f32[3])`.
  public var description: String {
    switch form {
    case .constant(let value): value == 0 ? "zeros" : value == 1 ? "ones" : "constant(\(value))"
    case .uniform(let low, let high): "uniform(\(low), \(high))"
    case .normal(let mean, let deviation): "normal(\(mean), \(deviation))"
    case .truncatedNormal(let mean, let deviation): "truncated_normal(\(mean), \(deviation))"
    case .varianceScaling(let scale, let mode, let distribution):
      "variance_scaling(\(scale), \(mode.rawValue), \(distribution.rawValue))"
    case .orthogonal(let gain): "orthogonal(\(gain))"
    case .identity(let gain): "identity(\(gain))"
    case .array(let array): "array(\(array.type))"
    case .columns(let columns):
      "columns(" + columns.map { "\($0.width): \($0.initializer)" }.joined(separator: ", ") + ")"
    case .zeroing(let row, let other): "\(other) with zeros in row \(row)"
    case .blocks(let named, let otherwise):
      "blocks(" + named.map { "\($0.name): \($0.initializer), " }.joined() + "otherwise: \(otherwise))"
    case .function: "function"
    }
  }
}
