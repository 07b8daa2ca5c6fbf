import FirnNotation
import Testing

@Suite struct TextReportTests {
  private static func sample() -> TextReport {
    var report = TextReport()
    report.line("a line that stays as it is")
    report.paragraph("words over as many lines as they need", indent: 4, first: "F1: ")
    report.line()
    var table = TextTable([.init("name", .name), .init("why"), .init("count", .right)])
    table.append(["encoder", "one two three", "1,234"])
    report.table(table)
    return report
  }

  @Test func blocksFollowOneAnother() {
    #expect(
      Self.sample().description == """
        a line that stays as it is
        F1: words over as many lines as they need

        name     why            count
        -------  -------------  -----
        encoder  one two three  1,234
        """)
  }

  @Test func theWidthIsTheReaders() {
    #expect(
      Self.sample().text(width: 24, tableWidth: 24) { $0.text(width: 24) } == """
        a line that stays as it is
        F1: words over as many
            lines as they need

        name     why       count
        -------  --------  -----
        encoder  one two   1,234
                 three

        """)
  }

  @Test func factsLineUpAndMissingOnesAreLeftOut() {
    var report = TextReport()
    report.facts(["seed": "7", "variables": nil, "runs": "none"])
    #expect(report.description == "  seed  7\n  runs  none")
  }

  @Test func longFactsWrapBehindThemselves() {
    var report = TextReport()
    report.facts(["a": "one two three", "bb": ""])
    #expect(report.text(width: 13, tableWidth: nil) { $0.text() } == "  a   one two\n      three\n  bb\n")
  }

  @Test func nothingPrintsNothing() {
    #expect(TextReport().description.isEmpty)
    #expect(TextReport.wrapped("", width: 10).isEmpty)
  }

  @Test(arguments: 1...40) func noLineEndsInSpaces(_ width: Int) {
    for line in Self.sample().text(width: width, tableWidth: width, table: { $0.text(wrappedTo: width) })
      .split(separator: "\n")
    {
      #expect(line.last != " ")
    }
  }
}
