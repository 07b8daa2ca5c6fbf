internal import FirnGraph

/// - Throws: an error of constraint `number` unless `condition` holds.
func require(
  _ condition: Bool, _ number: String, _ code: FirnError.Code = .shapeMismatch,
  _ message: @autoclosure () -> String, remedy: @autoclosure () -> String? = nil
) throws(FirnError) {
  if !condition { throw FirnError(code, message(), remedy: remedy(), constraint: number) }
}

extension TensorType {
  func requireFloatingPoint(_ what: String, _ number: String) throws(FirnError) {
    try require(
      dtype.isFloatingPoint, number, .typeMismatch, "\(what) is \(self), not floating point",
      remedy: "cast it to f32")
  }

  func requireNumeric(_ what: String, _ number: String) throws(FirnError) {
    try require(
      dtype != .bool, number, .typeMismatch, "\(what) is \(self), not a number",
      remedy: "cast it to i32 or f32")
  }

  func requireIndices(_ what: String, _ number: String) throws(FirnError) {
    try require(dtype == .i32, number, .typeMismatch, "\(what) is \(self), not i32", remedy: "cast it to i32")
  }

  /// - Throws: an error where positions along `axis` are more than an `i32` counts.
  func requireCountable(_ axis: Int, _ number: String) throws(FirnError) {
    try require(
      (shape[axis].value ?? 0) <= 1 << 31, number, .invalidArgument,
      "positions along axis \(axis) of \(self) are more than an i32 counts", remedy: "cut it into pieces")
  }

  /// - Throws: an error unless `axes` are sorted, unique and axes of this type.
  func requireAxes(_ axes: [Int], _ number: String) throws(FirnError) {
    try require(
      axes.allSatisfy(shape.indices.contains) && zip(axes, axes.dropFirst()).allSatisfy { $0 < $1 }, number,
      .invalidArgument, "axes \(axes) are not ascending axes of \(self)",
      remedy: "name each axis once, in 0..<\(shape.rank)")
  }

  func requireAxis(_ axis: Int, _ number: String, limit: Int? = nil) throws(FirnError) {
    try require(
      (0..<(limit ?? shape.rank)).contains(axis), number, .invalidArgument,
      "axis \(axis) is outside 0..<\(limit ?? shape.rank) of \(self)",
      remedy: "choose one of its \(limit ?? shape.rank) axes")
  }
}

extension AttributeValue {
  /// A known extent as a number, as binding a named one leaves it.
  static func extent(_ dimension: Dim) -> AttributeValue {
    dimension.value.map(AttributeValue.int) ?? .dimension(dimension)
  }
}

/// A family whose members differ in nothing but their mnemonic decodes through its raw values.
func member<Member: RawRepresentable<String>>(
  _ mnemonic: String, of type: Member.Type, family: String
) throws(FirnError) -> Member {
  guard let member = Member(rawValue: mnemonic) else {
    throw FirnError(.parse, "`\(mnemonic)` is no \(family) op")
  }
  return member
}
