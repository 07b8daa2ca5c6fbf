package import FirnGraph

extension SelectionTable: CustomStringConvertible {
  /// A row for each variable or part of one, then the totals.
  public var description: String { report { $0.status }.description }

  /// - Parameter status: what the variable is, where more is known than how it was declared.
  package func report(status: (Row) -> TrainingStatus) -> TextReport {
    var table = TextTable([
      .init("path", .name), .init("shape"), .init("count", .right), .init("bytes", .right), .init("role"),
      .init("status"), .init("matched by"),
    ])
    for row in rows {
      table.append([
        row.place, "\(row.dtype)\(Shape(row.shape))", NumberFormat.count(row.count),
        NumberFormat.bytes(row.bytes), row.role, status(row).rawValue, row.matchedBy.joined(separator: ", "),
      ])
    }
    table.append([
      "total \(NumberFormat.count(rows.count))", "", NumberFormat.count(count), NumberFormat.bytes(bytes),
    ])
    var report = TextReport()
    report.table(table)
    return report
  }
}

extension SelectionTable.Row: CustomStringConvertible {
  /// In one line: `table[0..<3] : f32[5,4], frozen`.
  public var description: String { "\(place) : \(dtype)\(Shape(shape)), \(status.rawValue)" }

  fileprivate var place: String {
    region == .whole ? path : "\(path)\(region)"
  }
}
