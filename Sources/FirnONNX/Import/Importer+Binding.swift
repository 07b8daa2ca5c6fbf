import FirnGraph

extension Importer {
  /// The value given for an input, as the model has it.
  ///
  /// - Throws: `.invalidArgument` for a number that the input's type has not, `.shapeMismatch` for another shape than
  ///   the model says.
  func bound(
    _ array: NDArray, to name: String, _ dtype: DType, _ shape: ShapeMessage?
  ) throws(FirnError) -> ImportedValue {
    var value = array.converted(to: dtype)
    for index in 0..<array.elementCount {
      let (given, kept) = (array.number(at: index), value.number(at: index))
      // Floats are rounded as anywhere.
      let isKept = given == kept || dtype.isFloatingPoint && given.isFinite == kept.isFinite
      guard isKept else {
        throw FirnError(
          .invalidArgument, "the input `\(name)` is bound to \(given), and is \(dtype)",
          remedy: dtype == .bool ? "give 0 or 1" : "give numbers that \(dtype) has", place: name)
      }
    }
    if let dimensions = shape?.dimensions {
      // One number by itself, where the model wants it so.
      if value.elementCount == 1, dimensions.count != value.shape.count {
        value = try value.reshaped(to: Array(repeating: 1, count: dimensions.count))
      }
      let fits =
        dimensions.count == value.shape.count
        && zip(dimensions, value.shape).allSatisfy { dimension, extent in
          dimension.value.map { $0 == extent || $0 < 0 } ?? true
        }
      guard fits else {
        let wanted = dimensions.map { dimension in
          if let value = dimension.value { return "\(value)" }
          return dimension.parameter.isEmpty ? "?" : dimension.parameter
        }
        throw FirnError(
          .shapeMismatch,
          "the input `\(name)` is bound to an array of \(Shape(array.shape)), and is "
            + "[\(wanted.joined(separator: ","))] in the model",
          remedy: "give as many numbers as it has", place: name)
      }
    }
    return try stored(TensorMessage(name, value), name: name, isParameter: false)
  }
}
