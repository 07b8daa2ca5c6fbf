import FirnNotation
import Testing

@Suite struct DisplayTextTests {
  @Test(arguments: [
    ("abc", 3), ("é", 1), ("e\u{301}", 1), ("漢字", 4), ("🙂", 2), ("❤️", 2), ("…─█", 3), ("", 0),
  ])
  func widths(_ text: String, _ width: Int) {
    #expect(DisplayText.width(of: text) == width)
  }

  @Test func truncation() {
    #expect(DisplayText.truncated("encoder", to: 7) == "encoder")
    #expect(DisplayText.truncated("encoder", to: 4) == "enc…")
    #expect(DisplayText.truncated("漢字漢字", to: 4) == "漢…")
    #expect(DisplayText.truncated("abc", to: 0).isEmpty)
  }
}
