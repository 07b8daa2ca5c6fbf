public import FirnGraph

/// Mean 0 and deviation 1 for each feature, as measured of the part that is trained on and of nothing else.
///
///     let split = try data.split(validation: 0.2, test: 0.2, seed: 1)
///     let standardization = try Standardization(of: split.training, columns: ["x"])
///     let training = try standardization.applied(to: split.training)
///
/// A trainer that is given it saves it in every checkpoint, `checkpoint.standardization`.
public struct Standardization: Hashable, Sendable, Codable {
  package static let key = "standardization"

  /// What is known of a column: a number for each element of a row.
  public struct Column: Hashable, Sendable, Codable {
    /// The placeholder the column is for.
    public let name: String
    /// What is taken away.
    public let means: [Double]
    /// What is divided by: the deviation over all rows (÷ n, as scikit-learn's `StandardScaler`); 1 where a feature
    /// never changes.
    public let deviations: [Double]
  }

  /// The columns that are scaled.
  public let columns: [Column]

  /// Measures columns of a data set.
  ///
  /// - Parameters:
  ///   - data: the part that is trained on.
  ///   - references: floating-point columns, by placeholder or name.
  /// - Throws: `.unknownName` for a column it has not, `.duplicateName` for one that is named twice, `.typeMismatch` for
  ///   one of whole numbers, `.notFinite` with row and element, `.invalidArgument` for a set without rows.
  /// - Complexity: two passes over the columns.
  public init(of data: DataSet, columns references: [any TensorReference]) throws(FirnError) {
    var columns: [Column] = []
    for reference in references {
      let array = try data.array(of: reference)
      let name = reference.tensorName
      if columns.contains(where: { $0.name == name }) { throw Self.twice(name) }
      guard array.dtype == .f32 || array.dtype == .f64 else {
        throw FirnError(
          .typeMismatch, "column `\(name)` is \(array.dtype) and cannot be standardised",
          remedy: "convert it to `f32` first, or leave it out", place: name)
      }
      guard data.count > 0 else {
        throw FirnError(
          .invalidArgument, "column `\(name)` has no rows to measure", remedy: "give a set that is not empty")
      }
      let values = array.doubles
      let width = max(1, array.shape.dropFirst().reduce(1, *))
      if let index = values.firstIndex(where: { !$0.isFinite }) {
        throw FirnError(
          .notFinite,
          "column `\(name)` holds \(values[index]) in row \(index / width), element \(index % width)",
          remedy: "clean the data", place: name)
      }
      var means = [Double](repeating: 0, count: width)
      var deviations = means
      var units = means
      for (index, value) in values.enumerated() {
        means[index % width] += value / Double(data.count)
        units[index % width] = max(units[index % width], value.magnitude)
      }
      // Squares are those of distances in a power of two near the largest number, which changes no bit of them.
      units = units.map { $0 > 0 ? Double(sign: .plus, exponent: Int($0.exponent), significand: 1) : 1 }
      for (index, value) in values.enumerated() {
        let unit = units[index % width]
        let distance = value / unit - means[index % width] / unit
        deviations[index % width] += distance * distance / Double(data.count)
      }
      // A mean of equal numbers is rounded, and distances from it are no deviation.
      for feature in 0..<min(width, values.count)
      where stride(from: feature, to: values.count, by: width).allSatisfy({ values[$0] == values[feature] }) {
        (means[feature], deviations[feature]) = (values[feature], 0)
      }
      columns.append(
        Column(
          name: name, means: means,
          deviations: zip(deviations, units).map { $0 > 0 ? $0.squareRoot() * $1 : 1 }))
    }
    self.columns = columns
  }

  /// The data set with its columns scaled; others stay, and rows stay where they are.
  ///
  /// - Throws: `.unknownName` where it lacks a column, `.shapeMismatch` where rows have another size, `.parse` where a
  ///   scale that was read is none.
  public func applied(to data: DataSet) throws(FirnError) -> DataSet {
    var data = data
    for column in columns {
      data = try data.replacing(column.name, with: scaled(data.array(of: column.name), by: column))
    }
    return data
  }

  /// One column's rows scaled, as for a model that is asked.
  ///
  /// - Throws: `.unknownName` for a column that is not scaled, `.shapeMismatch` where rows have another size.
  public func scaled(_ array: NDArray, as reference: any TensorReference) throws(FirnError) -> NDArray {
    guard let column = columns.first(where: { $0.name == reference.tensorName }) else {
      throw FirnError(
        .unknownName, "column `\(reference.tensorName)` is not scaled",
        remedy: "there is " + columns.map(\.name).joined(separator: ", "))
    }
    return try scaled(array, by: column)
  }

  private func scaled(_ array: NDArray, by column: Column) throws(FirnError) -> NDArray {
    let width = max(1, array.shape.dropFirst().reduce(1, *))
    guard column.deviations.count == column.means.count,
      zip(column.means, column.deviations).allSatisfy({ $0.isFinite && $1.isFinite && $1 > 0 })
    else {
      throw FirnError(
        .parse, "what is said of the scale of column `\(column.name)` is no scale",
        remedy: "measure it again on what was trained on", place: column.name)
    }
    guard width == column.means.count, array.dtype == .f32 || array.dtype == .f64 else {
      throw FirnError(
        .shapeMismatch,
        "column `\(column.name)` was measured in rows of \(column.means.count), this is \(array.dtype)\(Shape(array.shape))",
        remedy: "give rows of the form that was trained on", place: column.name)
    }
    let values = array.doubles.enumerated().map { index, value in
      (value - column.means[index % width]) / column.deviations[index % width]
    }
    return try NDArray(values, shape: array.shape).converted(to: array.dtype)
  }
}
