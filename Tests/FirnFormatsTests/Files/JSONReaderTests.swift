import FirnFormats
import FirnGraph
import Testing

@Suite struct JSONReaderTests {
  private func read<R>(_ text: String, _ body: (inout JSONReader) throws -> R) throws -> R {
    try Array(text.utf8).withUnsafeBytes { bytes in
      var reader = JSONReader(bytes, fault: FileFault("file"))
      let result = try body(&reader)
      try reader.end()
      return result
    }
  }

  private func keys(_ text: String) throws -> [String] {
    try read(text) { reader in
      var keys: [String] = []
      try reader.object { (reader, key) throws(FirnError) in
        keys.append(key)
        try reader.skip()
      }
      return keys
    }
  }

  @Test func stringsAndEscapes() throws {
    #expect(
      try read(#"  "a\"\\\/\b\f\n\r\tπ\u00e9\ud83d\ude00" "#) { try $0.string() }
        == "a\"\\/\u{8}\u{C}\n\r\tπé😀")
    for text in [
      #""a"#, #""\x""#, #""\u12g4""#, #""\ud83d""#, #""\ud83d\u0041""#, #""\ude00""#, "\"\n\"", "a",
    ] {
      #expect(throws: FirnError.self, "\(text)") { try read(text) { try $0.string() } }
    }
  }

  @Test func numbers() throws {
    #expect(try read("18446744073709551615") { try $0.natural() } == .max)
    for text in ["-1", "1.0", "1e3", "18446744073709551616", "", "+1"] {
      #expect(throws: FirnError.self, "\(text)") { try read(text) { try $0.natural() } }
    }
    for text in ["0", "-0.5", "1E+2", "[1,2]", "[]", "{}", "null", "true", "false"] {
      try read(text) { try $0.skip() }
    }
    for text in ["01", ".5", "1.", "1e", "1e999", "[1,]", "[1 2]", "{,}", "nul", "tru", "NaN", "[", "1 1"] {
      #expect(throws: FirnError.self, "\(text)") { try read(text) { try $0.skip() } }
    }
  }

  @Test func nestingHasAnEnd() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    try read(nested(127)) { try $0.skip() }
    #expect(throws: FirnError.self) { try read(nested(128)) { try $0.skip() } }
  }

  /// Keys are the same where their bytes are: an accent in one piece with its letter and one apart are two.
  @Test func keysByTheirBytes() throws {
    #expect(try keys(#"{"a":1,"b":{}}"#) == ["a", "b"])
    #expect(throws: FirnError.self) { try keys(#"{"a":1,"\u0061":2}"#) }
    #expect(try keys("{\"\u{E9}\":1,\"e\u{301}\":2}").map(\.utf8.count) == [2, 3])
  }
}
