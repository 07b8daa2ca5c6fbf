public import FirnGraph
package import FirnNotation

extension Difference {
  /// The difference with every name of `binding` replaced by its number; other names stay.
  public func bound(by binding: DimBinding) -> Difference {
    Difference(
      thawed: thawed, frozen: frozen, changes: changes, before: before.bound(by: binding),
      after: after.bound(by: binding))
  }
}

extension Difference: CustomStringConvertible {
  /// The variables whose status changes, and what a step costs before and after, as two tables.
  public var description: String { report.description }

  package var report: TextReport {
    var report = TextReport()
    if changes.isEmpty {
      report.line("no variable changes its status")
    } else {
      var table = TextTable([.init("variable", .name), .init("before"), .init("after")])
      for change in changes { table.append([change.variable, change.wordsBefore, change.wordsAfter]) }
      report.table(table)
    }
    report.line()
    var table = TextTable([
      .init("cost of a step"), .init("before", .right), .init("after", .right), .init("change", .right),
    ])
    for part in CostPart.all {
      table.append([part.name, part.text(of: before), part.text(of: after), part.text(of: added)])
    }
    report.table(table)
    return report
  }
}

extension Difference.Change: CustomStringConvertible {
  /// In one line: `encoder/kernel: frozen, then trained`.
  public var description: String { "\(variable): \(wordsBefore), then \(wordsAfter)" }

  fileprivate var wordsBefore: String { Self.words(before, blocksBefore) }
  fileprivate var wordsAfter: String { Self.words(after, blocksAfter) }

  private static func words(_ status: TrainingStatus?, _ blocks: [String]) -> String {
    ([status?.rawValue ?? "absent"] + blocks).joined(separator: " ")
  }
}
