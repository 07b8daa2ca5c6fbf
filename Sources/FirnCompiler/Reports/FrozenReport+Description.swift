package import FirnNotation

extension FrozenReport: CustomStringConvertible {
  /// What it comes to in a sentence, then every value with its bytes and the variables it is made of, and what was folded.
  public var description: String { report.description }

  /// The sentence alone.
  package var summary: String {
    if isEmpty {
      let text = "Nothing is computed once: no value depends on frozen variables alone."
      return stored.map { "\(text) \($0.summary)" } ?? text
    }
    let count = "\(NumberFormat.count(values.count)) value\(values.count == 1 ? "" : "s")"
    var text =
      "Computed once, when variables are bound, and in no step: \(count) of frozen variables and constants, "
      + NumberFormat.bytes(bytes) + (flops == 0 ? "." : ", \(NumberFormat.flops(flops)).")
    let kinds = Fold.Kind.allCases.compactMap { kind -> String? in
      let count = folds.count { $0.kind == kind }
      return count == 0 ? nil : "\(NumberFormat.count(count)) \(kind.rawValue)\(count == 1 ? "" : "s")"
    }
    if !kinds.isEmpty { text += " Folded: \(kinds.joined(separator: ", "))." }
    if let stored { text += " " + stored.summary }
    if !transforms.isEmpty {
      let kinds = transforms.map(\.kind).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
      let counts = kinds.map { kind in
        "\(NumberFormat.count(transforms.count { $0.kind == kind })) by \(kind)"
      }
      text += " Transformed: \(counts.joined(separator: ", ")), \(saved.asFLOPs) a run less."
    }
    return text
  }

  package var report: TextReport {
    var report = TextReport()
    report.paragraph(summary)
    if !values.isEmpty {
      report.line()
      var table = TextTable([.init("computed once"), .init("bytes", .right), .init("of")])
      for value in values {
        table.append([
          value.name, NumberFormat.bytes(value.bytes) + (value.storage.map { " \($0)" } ?? ""),
          value.variables.joined(separator: ", "),
        ])
      }
      report.table(table)
    }
    if !folds.isEmpty {
      report.line()
      var table = TextTable([.init("folded"), .init("what"), .init("into")])
      for fold in folds { table.append([fold.name, fold.kind.rawValue, fold.into]) }
      report.table(table)
    }
    stored?.write(to: &report)
    if !transforms.isEmpty {
      report.line()
      let hasErrors = transforms.contains { $0.error != nil }
      var table = TextTable(
        [.init("transformed"), .init("by"), .init("before", .right), .init("after", .right)]
          + (hasErrors ? [.init("error", .right)] : []))
      for one in transforms {
        let error = one.error.map { [NumberFormat.short($0)] } ?? (hasErrors ? [""] : [])
        table.append([one.name, one.kind, one.before.asFLOPs, one.after.asFLOPs] + error)
      }
      report.table(table)
    }
    return report
  }
}
