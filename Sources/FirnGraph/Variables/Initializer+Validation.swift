extension Initializer {
  /// Whether a variable of this type can have it, without making a value.
  ///
  /// - Throws: `.shapeMismatch`, `.typeMismatch`, `.invalidArgument`.
  package func validate(for type: ArrayType, name: String) throws(FirnError) {
    try requireNumbers(name: name)
    switch form {
    case .array(let array):
      guard array.shape == type.shape, array.dtype.isFloatingPoint == type.dtype.isFloatingPoint else {
        throw FirnError(
          .shapeMismatch, "initializer array is \(array.type), the variable is \(type)",
          remedy: "give an array of the variable's shape and type", place: name)
      }
    case .constant: break
    case .columns(let columns):
      try requireReals(type, name: name)
      let width = columns.reduce(0) { $0 &+ $1.width }
      guard let last = type.shape.last, last == width, columns.allSatisfy({ (0...last).contains($0.width) })
      else {
        throw FirnError(
          .shapeMismatch,
          "initializer blocks are \(width) columns wide, the variable is \(Shape(type.shape))",
          remedy: "make the widths add up to the last axis", place: name)
      }
      for column in columns {
        try column.initializer.validate(
          for: ArrayType(type.dtype, type.shape.dropLast() + [column.width]), name: name)
      }
    case .blocks, .function:
      try resolved(for: type, blocks: nil, name: name).validate(for: type, name: name)
    case .zeroing(let row, let other):
      guard let rows = type.shape.first, (0..<rows).contains(row) else {
        throw FirnError(
          .shapeMismatch, "initializer \(self) has zeros in row \(row), the variable is \(type)",
          remedy: "name a row that the variable has", place: name)
      }
      try other.validate(for: type, name: name)
    case .identity:
      try requireReals(type, name: name)
      guard type.shape.count == 2 else {
        throw FirnError(
          .shapeMismatch, "initializer \(self) fills matrices, the variable is \(type)",
          remedy: "use it for two axes", place: name)
      }
    case .uniform, .normal, .truncatedNormal, .varianceScaling, .orthogonal:
      try requireReals(type, name: name)
    }
  }

  /// - Throws: `.invalidArgument` where its numbers, or those of an initialiser in it, are none to make a value of.
  package func requireNumbers(name: String) throws(FirnError) {
    if let fault = numericFault {
      throw FirnError(
        .invalidArgument, "initializer \(self): \(fault.what)", remedy: fault.remedy, place: name)
    }
    switch form {
    case .columns(let columns): for column in columns { try column.initializer.requireNumbers(name: name) }
    case .zeroing(_, let other): try other.requireNumbers(name: name)
    default: break
    }
  }

  /// What makes its own numbers none to make a value of.
  private var numericFault: (what: String, remedy: String)? {
    func first(_ numbers: [(String, Double)], _ remedy: String, _ holds: (Double) -> Bool) -> (
      String, String
    )? {
      numbers.first { !holds($0.1) }.map { ("\($0.0) is \($0.1)", remedy) }
    }
    let finite = "give a finite number"
    switch form {
    // An infinity can be meant, as in a mask.
    case .constant(let value): return first([("the value", value)], "give a number") { !$0.isNaN }
    case .uniform(let low, let high):
      return first(
        [("the lower bound", low), ("the upper bound", high), ("the width", high - low)], finite, \.isFinite)
    case .normal(let mean, let deviation), .truncatedNormal(let mean, let deviation):
      return first([("the mean", mean)], finite, \.isFinite)
        ?? first([("the deviation", deviation)], "give a finite number of at least 0") {
          $0.isFinite && $0 >= 0
        }
    case .varianceScaling(let scale, _, _):
      return first([("the scale", scale)], "give a finite number of at least 0") { $0.isFinite && $0 >= 0 }
    case .orthogonal(let gain), .identity(let gain): return first([("the gain", gain)], finite, \.isFinite)
    case .array, .columns, .blocks, .function, .zeroing: return nil
    }
  }

  private func requireReals(_ type: ArrayType, name: String) throws(FirnError) {
    guard type.dtype.isFloatingPoint else {
      throw FirnError(
        .typeMismatch, "initializer \(self) draws real numbers, the variable is \(type)",
        remedy: "use a constant or an array for \(type.dtype) variables", place: name)
    }
  }
}
