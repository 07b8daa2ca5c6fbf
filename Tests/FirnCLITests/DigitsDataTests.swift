import FirnDigits
import FirnGraph
import Testing

@Suite struct DigitsDataTests {
  @Test func resourceIsTheWholeTestPart() throws {
    let digits = try DigitsData.load()
    #expect(digits.count == 1797)
    #expect(digits.images.count == 1797 * 64)
    let histogram = (0...9).map { label in digits.labels.count { $0 == label } }
    #expect(histogram == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    #expect(digits.images.reduce(0) { $0 + Int($1) } + digits.labels.reduce(0) { $0 + Int($1) } == 569_788)
    #expect(digits.labels.first == 0 && digits.labels.last == 8)
    #expect(
      Array(digits.image(at: 0)) == [
        0, 0, 5, 13, 9, 1, 0, 0,
        0, 0, 13, 15, 10, 15, 5, 0,
        0, 3, 15, 2, 0, 11, 8, 0,
        0, 4, 12, 0, 0, 8, 8, 0,
        0, 5, 8, 0, 0, 9, 8, 0,
        0, 4, 11, 0, 1, 12, 7, 0,
        0, 2, 14, 5, 10, 12, 0, 0,
        0, 0, 6, 13, 10, 0, 0, 0,
      ])
  }

  @Test func damagedRecordsAreRefused() {
    let record = [UInt8](repeating: 0, count: 65)
    #expect(throws: FirnError.self) { try DigitsData(records: []) }
    let short = #expect(throws: FirnError.self) { try DigitsData(records: Array(record.dropLast())) }
    #expect(short?.message == "the digits have 64 bytes, which is not a number of 65-byte records")
    var dark = record + record
    dark[70] = 17
    let ink = #expect(throws: FirnError.self) { try DigitsData(records: dark) }
    #expect(ink?.message == "digit 1 has a pixel of 17, beyond the limit of 16")
    var mislabelled = record
    mislabelled[64] = 10
    let label = #expect(throws: FirnError.self) { try DigitsData(records: mislabelled) }
    #expect(label?.message == "digit 0 has the label 10, which is no digit")
  }

  @Test func splitIsStratifiedDisjointAndComplete() throws {
    let digits = try DigitsData.load()
    let split = try digits.split(classes: 0...4, testFraction: 0.25, seed: 1)
    let wanted = digits.labels.indices.filter { digits.labels[$0] <= 4 }
    #expect((split.train + split.test).sorted() == wanted)
    #expect(split.train == split.train.sorted() && split.test == split.test.sorted())
    for label in UInt8(0)...4 {
      let members = digits.labels.count { $0 == label }
      let tested = split.test.count { digits.labels[$0] == label }
      #expect(tested == Int((0.25 * Double(members)).rounded()))
    }
  }

  @Test func splitDependsOnTheSeedAndTheClassAlone() throws {
    let digits = try DigitsData.load()
    let all = try digits.split(testFraction: 0.2, seed: 42)
    #expect(try digits.split(testFraction: 0.2, seed: 42) == all)
    #expect(try digits.split(testFraction: 0.2, seed: 43) != all)
    let some = try digits.split(classes: 5...9, testFraction: 0.2, seed: 42)
    #expect(some.test == all.test.filter { digits.labels[$0] >= 5 })
    #expect(Array(all.test.prefix(8)) == [1, 8, 14, 19, 20, 23, 27, 35])
  }

  @Test func splitRefusesWhatItCannotGive() throws {
    let digits = try DigitsData.load()
    #expect(throws: FirnError.self) { try digits.split(testFraction: 1.5, seed: 0) }
    #expect(throws: FirnError.self) { try digits.split(testFraction: .nan, seed: 0) }
    let error = #expect(throws: FirnError.self) { try digits.split(classes: 8...12, seed: 0) }
    #expect(error?.message == "there is no image of class 10")
    #expect(try digits.split(testFraction: 0, seed: 0).test.isEmpty)
    #expect(try digits.split(testFraction: 1, seed: 0).train.isEmpty)
  }
}
