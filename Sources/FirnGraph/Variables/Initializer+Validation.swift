extension Initializer {
  /// Whether a variable of this type can have it, without making a value.
  ///
  /// - Throws: `.shapeMismatch`, `.typeMismatch`.
  package func validate(for type: ArrayType, name: String) throws(FirnError) {
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

  private func requireReals(_ type: ArrayType, name: String) throws(FirnError) {
    guard type.dtype.isFloatingPoint else {
      throw FirnError(
        .typeMismatch, "initializer \(self) draws real numbers, the variable is \(type)",
        remedy: "use a constant or an array for \(type.dtype) variables", place: name)
    }
  }
}
