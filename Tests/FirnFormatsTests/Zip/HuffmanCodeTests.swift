import Testing

@testable import FirnFormats

@Suite struct HuffmanCodeTests {
  /// The example of RFC 1951, 3.2.2: A to H with lengths 3 3 3 3 3 2 4 4.
  @Test func theStandardsExample() throws {
    let code = try #require(HuffmanCode(lengths: [3, 3, 3, 3, 3, 2, 4, 4]))
    let words = ["010", "011", "100", "101", "110", "00", "1110", "1111"]
    for (symbol, word) in words.enumerated() {
      // Codes stand in a stream with their first bit lowest.
      let bits = word.reversed().reduce(0) { $0 << 1 | ($1 == "1" ? 1 : 0) }
      code.withTable { table in
        #expect(table.count == 16)
        #expect(table[bits] == UInt16(symbol << 4 | word.count), "\(word)")
      }
    }
  }

  @Test(arguments: [[1, 1, 1], [1, 2, 2, 2], [2, 2, 2, 2, 15], [0, 1, 1, 3]] as [[UInt8]])
  func overSubscribedCodesAreRefused(_ lengths: [UInt8]) {
    #expect(HuffmanCode(lengths: lengths) == nil)
    #expect(HuffmanCode(lengths: lengths, allowingSingle: true) == nil)
  }

  @Test(arguments: [[2, 2, 2], [1, 2], [3], [0, 15]] as [[UInt8]])
  func incompleteCodesAreRefused(_ lengths: [UInt8]) {
    #expect(HuffmanCode(lengths: lengths) == nil)
    #expect(HuffmanCode(lengths: lengths, allowingSingle: true) == nil)
  }

  @Test(arguments: [[], [0, 0], [1], [0, 1]] as [[UInt8]])
  func aSingleCodeOfOneBitOnlyWhereAllowed(_ lengths: [UInt8]) {
    #expect(HuffmanCode(lengths: lengths) == nil)
    #expect(HuffmanCode(lengths: lengths, allowingSingle: true) != nil)
  }

  @Test func lengthsBeyondFifteenAreRefused() { #expect(HuffmanCode(lengths: [1, 16]) == nil) }
}
