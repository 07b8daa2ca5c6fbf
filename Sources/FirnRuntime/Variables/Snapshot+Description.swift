import FirnGraph
import FirnNotation

extension Snapshot: CustomStringConvertible {
  /// Names, types and sizes as a table; ``values`` has the elements.
  public var description: String {
    var table = TextTable([.init("variable", .name), .init("type"), .init("bytes", .right)])
    for entry in values {
      table.append([entry.place, entry.array.type.description, NumberFormat.bytes(entry.array.byteCount)])
    }
    table.append([
      "total \(NumberFormat.count(values.count))", "",
      NumberFormat.bytes(values.reduce(0) { $0 + $1.array.byteCount }),
    ])
    var report = TextReport()
    report.table(table)
    return report.description
  }
}

extension Snapshot.Entry: CustomStringConvertible {
  /// Name, type and the first elements.
  public var description: String { "\(place): \(array.summary)" }

  fileprivate var place: String { name + (block?.description ?? "") }
}
