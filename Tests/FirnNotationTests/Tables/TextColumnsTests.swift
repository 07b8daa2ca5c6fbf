import FirnNotation
import Testing

@Suite struct TextColumnsTests {
  private static func sample() -> TextColumns {
    var columns = TextColumns("scope", ["(all)", "head"])
    columns.append([.init("now", .right), .init("before", .right)], rows: [["1", "10"], ["2", "20"]])
    columns.append([.init("kept", .right)], rows: [["3 KiB"]])
    return columns
  }

  private func text(_ width: Int) -> String {
    Self.sample().tables(width: width).map { $0.text() }.joined(separator: "\n")
  }

  @Test func oneTableWhereItFits() {
    #expect(
      text(25) == """
        scope  now  before   kept
        -----  ---  ------  -----
        (all)    1      10  3 KiB
        head     2      20

        """)
  }

  @Test func groupsStayTogetherWhereItDoesNot() {
    #expect(
      text(24) == """
        scope  now  before
        -----  ---  ------
        (all)    1      10
        head     2      20

        scope   kept
        -----  -----
        (all)  3 KiB
        head

        """)
    #expect(text(1) == text(24))
  }

  @Test func namesAlone() {
    #expect(TextColumns("scope", ["head"]).tables(width: 10).map { $0.text() } == ["scope\n-----\nhead\n"])
  }
}
