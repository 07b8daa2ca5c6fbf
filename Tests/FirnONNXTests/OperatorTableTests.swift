import Foundation
import Testing

@testable import FirnONNX

/// The table of operators in `Docs/ONNX.md` is the importer's own.
@Suite struct OperatorTableTests {
  private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Docs/ONNX.md")

  /// The rows that the page must have, family by family.
  static var rows: String {
    OperatorTable.families.map { family in
      let rows = family.rows.map { row in
        let name = row.domain.isEmpty ? row.name : "\(row.domain).\(row.name)"
        return "| `\(name)` | \(row.means) | \(row.differs) |"
      }
      return "### \(family.name)\n\n| operator | becomes | differs |\n| --- | --- | --- |\n"
        + rows.joined(separator: "\n") + "\n"
    }
    .joined(separator: "\n")
  }

  @Test func thePageHasEveryOperator() throws {
    let page = try String(contentsOf: Self.page, encoding: .utf8)
    let (start, end) = ("<!-- operators -->\n", "<!-- end of operators -->")
    let parts = page.components(separatedBy: start)
    try #require(parts.count == 2)
    let rest = parts[1].components(separatedBy: end)
    try #require(rest.count == 2)
    if ProcessInfo.processInfo.environment["FIRN_RECORD"] != nil, rest[0] != Self.rows {
      try (parts[0] + start + Self.rows + end + rest[1]).write(
        to: Self.page, atomically: true, encoding: .utf8)
      Issue.record("the page was rewritten; look at it and run again")
      return
    }
    #expect(rest[0] == Self.rows)
  }

  @Test func everyOperatorIsThereOnce() {
    let names = OperatorTable.families.flatMap(\.rows).map { "\($0.domain)::\($0.name)" }
    #expect(Set(names).count == names.count)
  }
}
