import Testing

@testable import FirnFormats

/// Names are told apart as files do.
@Suite struct ByteNameTests {
  @Test(arguments: [("\u{E9}", "e\u{301}"), ("a", "b"), ("", "\0"), ("weight", "weights")])
  func namesOfOtherBytesDiffer(_ one: String, _ other: String) {
    #expect(ByteName(one) != ByteName(other))
    #expect(Set([ByteName(one), ByteName(other), ByteName(one)]).count == 2)
  }

  /// Short ones lie in the string itself, others elsewhere, parts within another.
  @Test func equalNamesAreOneWhereverTheyLie() {
    let long = String(repeating: "layer/", count: 40)
    let part = String(("xx" + long).dropFirst(2))
    #expect(ByteName(long) == ByteName(part) && Set([ByteName(long)]).contains(ByteName(part)))
    #expect(Set([ByteName("k")]).contains(ByteName(String("key".prefix(1)))))
  }
}
