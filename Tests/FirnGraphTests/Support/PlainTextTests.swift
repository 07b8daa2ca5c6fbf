import FirnGraph
import Testing

/// What a terminal obeys does not come through, and nothing else is touched.
@Suite struct PlainTextTests {
  @Test func whatIsObeyedBecomesSpace() {
    #expect(PlainText.singleLine("a\u{1B}[2Jb\u{9B}c\u{7F}d\re\nf\tg") == "a [2Jb c d e f g")
    #expect(PlainText.singleLine("a\r\nb\u{2028}c") == "a b c")
    for value in Array(0x202A...0x202E) + Array(0x2066...0x2069) + [0x200E, 0x200F, 0x61C] as [UInt32] {
      let scalar = Unicode.Scalar(value).map(String.init) ?? ""
      #expect(PlainText.singleLine("x\(scalar)y") == "x y" && PlainText.styledLines("x\(scalar)y") == "x y")
    }
  }

  @Test(arguments: ["", "encoder/layer_0", "größe", "重み", "e\u{301}", "👩‍👩‍👧", "…—“x”", "שלום", "a\u{200D}b"])
  func otherTextIsItself(_ text: String) {
    #expect(PlainText.singleLine(text) == text && PlainText.styledLines(text) == text)
  }

  @Test func linesKeepBreaksAndFirnsStyles() {
    #expect(PlainText.styledLines("\u{1B}[1ma\u{1B}[0m\n\tb\u{1B}[2m") == "\u{1B}[1ma\u{1B}[0m\n\tb\u{1B}[2m")
    #expect(PlainText.styledLines("\u{1B}[31ma\u{1B}]0;x\u{7}\r") == " [31ma ]0;x  ")
  }

  /// Texts are clean in every field that is printed; names that programs compare stay.
  @Test func errorsAreClean() {
    let name = "a\u{1B}[2J\nb\u{202E}"
    let inner = FirnError(.file, name)
    let error = FirnError(
      .parse, name, remedy: name, place: name, excerpt: "\(name)\n^",
      operands: [.init(label: "left", name: name, type: nil)], causes: [inner])
    #expect(error.message == "a [2J b " && error.remedy == "a [2J b " && error.place == name)
    let obeyed = error.description.unicodeScalars.filter { $0 != "\n" && PlainText.isObeyed($0) }
    #expect(obeyed.isEmpty)
    #expect(error.description.split(separator: "\n").count == 8)
  }
}
