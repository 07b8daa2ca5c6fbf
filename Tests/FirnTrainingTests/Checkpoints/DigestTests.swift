import Testing

@testable import FirnTraining

@Suite struct DigestTests {
  /// The examples of FIPS 180-4, from NIST's "SHA-256 examples".
  @Test func standardExamples() {
    func digest(_ text: String) -> String {
      var digest = Digest()
      digest.update(text)
      return digest.finish()
    }
    #expect(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
  }

  /// However the text is cut, the digest is the same.
  @Test func piecesDoNotMatter() {
    let text = String(repeating: "firn ", count: 60)
    var whole = Digest()
    whole.update(text)
    let expected = whole.finish()
    for size in [1, 7, 63, 64, 65, 128, 299] {
      var digest = Digest()
      var rest = text[...]
      while !rest.isEmpty {
        digest.update(String(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
      #expect(digest.finish() == expected)
    }
  }
}
