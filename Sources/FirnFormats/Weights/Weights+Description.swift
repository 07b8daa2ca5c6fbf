import FirnGraph
package import FirnNotation

extension Weights: CustomStringConvertible {
  /// The file, its tensors as a table, and what else is in it; elements are not read.
  public var description: String {
    var report = TextReport()
    report.line("\(source):")
    report.append(self.report())
    return report.description
  }

  /// - Parameter figures: columns beside names, types and sizes, such as statistics.
  package func report(figures: TextColumns.Group? = nil) -> TextReport {
    let bytes = NumberFormat.bytes(entries.reduce(0) { $0 + $1.byteCount })
    let elements = NumberFormat.count(entries.reduce(0) { $0 + $1.shape.elementCount })
    var columns = TextColumns(
      "name", entries.map(\.name) + ["total \(NumberFormat.count(entries.count))"])
    columns.append(
      [.init("dtype"), .init("shape"), .init("bytes", .right)],
      rows: entries.map {
        [$0.storedType.rawValue, "\(Shape($0.shape))", NumberFormat.bytes($0.byteCount)]
      } + [["", elements, bytes]])
    if let figures { columns.append(figures.columns, rows: figures.rows) }
    var report = TextReport()
    report.columns(columns)
    let notes =
      tied.map { "share storage: " + $0.joined(separator: ", ") }
      + skipped.map { "skipped: \($0)" }
      + metadata.map { "metadata: \($0)" }
    if !notes.isEmpty { report.line() }
    for note in notes { report.paragraph(PlainText.singleLine(String(note.prefix(1000)))) }
    return report
  }

  /// Names of tensors that lie in one piece of the file.
  package var tied: [[String]] {
    let pieces = Dictionary(grouping: entries.filter { $0.storage != nil }) { $0.storage ?? 0 }
    return pieces.keys.sorted().compactMap { pieces[$0]?.map(\.name) }.filter { $0.count > 1 }
  }
}

extension Weights.Metadata: CustomStringConvertible {
  /// In one line: `format = pt`.
  public var description: String { "\(key) = \(value)" }
}

extension Weights.Skipped: CustomStringConvertible {
  /// Name and reason in one line.
  public var description: String { "`\(name)`: \(reason)" }
}

extension WeightEntry: CustomStringConvertible {
  /// Name, stored type and shape: `encoder.weight : bf16[3,4]`.
  public var description: String { "\(name) : \(storedType.rawValue)\(Shape(shape))" }
}
