extension CurveTable: CustomStringConvertible {
  /// How many rows there are, and the headings, in one line: `300 rows: step, loss`; ``csv()`` has the numbers.
  public var description: String {
    columns.isEmpty
      ? "no columns"
      : "\(rowCount) row\(rowCount == 1 ? "" : "s"): " + columns.map(\.name).joined(separator: ", ")
  }
}
