import FirnGraph
import Testing

/// The algebra of parts, against sets of positions.
@Suite struct RegionTests {
  private static let extents = [2, 6, 3]

  private func region(_ mask: Int) -> Region? {
    Region.along(1, (0..<6).filter { mask >> $0 & 1 == 1 }.map { $0..<($0 + 1) }, extent: 6)
  }

  @Test func agreesWithSetsOfPositions() {
    for a in 0..<64 {
      #expect(Region.complement(of: region(a), extents: Self.extents) == region(~a & 63))
      #expect((region(a)?.elementCount(extents: Self.extents) ?? 0) == 6 * a.nonzeroBitCount)
      for b in 0..<64 {
        #expect(Region.combine(.union, region(a), region(b), extents: Self.extents) == .some(region(a | b)))
        #expect(
          Region.combine(.intersection, region(a), region(b), extents: Self.extents) == .some(region(a & b)))
      }
    }
  }

  @Test func mergesAndNormalises() {
    #expect(region(0) == nil)
    #expect(region(63) == .whole)
    #expect(
      region(0b110110)
        == .blocks([Block(axis: 1, range: 1..<3), Block(axis: 1, range: 4..<6)]))
  }

  @Test func differentAxesDoNotCombine() {
    let rows = Region.along(0, [0..<1], extent: 2)
    #expect(Region.combine(.union, rows, region(1), extents: Self.extents) == nil)
    #expect(Region.combine(.intersection, rows, region(1), extents: Self.extents) == nil)
    #expect(Region.combine(.union, rows, .whole, extents: Self.extents) == .some(.whole))
    #expect(Region.combine(.intersection, rows, .whole, extents: Self.extents) == .some(rows))
  }
}
