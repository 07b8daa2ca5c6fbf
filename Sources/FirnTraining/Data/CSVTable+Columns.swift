public import FirnGraph

/// Columns as arrays.
extension CSVTable {
  /// Columns of numbers side by side, `f32[rows, columns]`, or `f64`.
  ///
  /// - Parameters:
  ///   - names: in the order they are to have; all columns by default.
  ///   - dtype: `.f64` for the numbers as they stand there, to the nearest double; `.f32` by default.
  /// - Throws: `.unknownName` for a column that is not there; `.parse`, with line and column, for a cell that is empty,
  ///   no number, NaN, infinite or too large for `dtype`; `.typeMismatch` for another `dtype`.
  public func numbers(_ names: [String]? = nil, as dtype: DType = .f32) throws(FirnError) -> NDArray {
    guard dtype.isFloatingPoint else {
      throw FirnError(
        .typeMismatch, "columns of numbers as \(dtype)", remedy: "read them as f32 or f64, or as labels")
    }
    var indices: [Int] = []
    for name in names ?? columns { indices.append(try index(of: name)) }
    var values: [Double] = []
    values.reserveCapacity(count * indices.count)
    for row in rows.indices {
      for column in indices { values.append(try number(row, column, as: dtype)) }
    }
    return try NDArray(values, shape: [count, indices.count]).converted(to: dtype)
  }

  /// One column of numbers, `f32[rows]`, or `f64`.
  ///
  /// - Parameter dtype: as ``numbers(_:as:)`` has it.
  /// - Throws: as ``numbers(_:as:)`` does.
  public func numbers(in name: String, as dtype: DType = .f32) throws(FirnError) -> NDArray {
    try numbers([name], as: dtype).reshaped(to: [count])
  }

  /// A column of classes by their numbers, `i32[rows]`.
  ///
  /// - Throws: `.unknownName`; `.parse`, with line and column, for what is no whole number from 0 to `classes − 1`.
  public func labels(_ name: String, below classes: Int) throws(FirnError) -> NDArray {
    let column = try index(of: name)
    // Labels are `i32`, whatever the number of classes.
    let classes = min(max(0, classes), Int(Int32.max) + 1)
    var labels: [Int32] = []
    for row in rows.indices {
      let value = try number(row, column, as: .f64)
      guard value == value.rounded(), (0..<Double(classes)).contains(value) else {
        throw fault(
          row, column, "\(shown(row, column)) is no class from 0 to \(classes - 1)",
          "correct the label, or say of how many classes they are")
      }
      labels.append(Int32(value))
    }
    return NDArray(labels)
  }

  /// A column of classes by their names, as `i32[rows]` and the names.
  ///
  /// - Parameter classes: the names there may be, in the order of their numbers; by default those that stand there, in
  ///   alphabetical order (by bytes, so that it is the same everywhere).
  /// - Throws: `.unknownName`; `.parse`, with line and column, for an empty cell and for a name that is not among
  ///   `classes`.
  public func labels(
    _ name: String, among classes: [String]? = nil
  ) throws(FirnError) -> (array: NDArray, classes: [String]) {
    let column = try index(of: name)
    let names =
      classes
      ?? Set(rows.map { $0[column] }).sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    let numbers = Dictionary(
      names.enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { first, _ in first })
    var labels: [Int32] = []
    for row in rows.indices {
      let cell = rows[row][column]
      guard !cell.isEmpty else {
        throw fault(row, column, "the label is empty", "fill it in, or leave the row out")
      }
      guard let number = numbers[cell] else {
        throw fault(
          row, column, "'\(shown(row, column))' is no class",
          NearestNames(to: cell, among: names).question ?? "classes are " + names.joined(separator: ", "))
      }
      labels.append(number)
    }
    return (NDArray(labels), names)
  }

  /// A column as text.
  ///
  /// - Throws: `.unknownName`.
  public func text(_ name: String) throws(FirnError) -> [String] {
    let column = try index(of: name)
    return rows.map { $0[column] }
  }

  /// A cell as messages show it: not endlessly, and without what a terminal takes for something else.
  private func shown(_ row: Int, _ column: Int) -> String {
    let cell = rows[row][column]
    let plain = cell.prefix(60).map { character in
      character.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? "?" : String(character)
    }.joined()
    return cell.count > 60 ? plain + "…" : plain
  }

  private func number(_ row: Int, _ column: Int, as dtype: DType) throws(FirnError) -> Double {
    let cell = rows[row][column]
    // Spaces round a number are no part of it.
    let trimmed = cell.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed()
    guard !trimmed.isEmpty else {
      throw fault(row, column, "the cell is empty", "fill it in, or leave the row or the column out")
    }
    guard let value = Double(String(trimmed)), Self.isDecimal(trimmed) else {
      throw fault(
        row, column, "'\(shown(row, column))' is no number",
        "correct it, or read the column as labels or text")
    }
    guard value.isFinite else {
      throw fault(
        row, column, "the number is \(shown(row, column))", "clean the data: nothing can be learnt from it")
    }
    guard dtype == .f64 || Float(value).isFinite else {
      throw fault(
        row, column, "\(shown(row, column)) is too large for `f32`", "scale the column, or read it as `f64`")
    }
    return value
  }

  /// Not `0x10`, which Swift reads, nor a number that a zero byte ends before the cell does; `nan` and `inf` have an
  /// error of their own.
  private static func isDecimal(_ text: some Sequence<Character>) -> Bool {
    !text.contains { $0 == "x" || $0 == "X" || $0 == "p" || $0 == "P" || $0 == "\0" }
  }
}
