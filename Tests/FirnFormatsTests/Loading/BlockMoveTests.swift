import FirnGraph
import Testing

@testable import FirnFormats

/// Which rows of a stored tensor fill which of a variable.
@Suite struct BlockMoveTests {
  private func rows(_ range: Range<Int>) -> Block { Block(axis: 0, range: range) }

  private func moves(_ region: Region, _ variable: [Int], _ stored: [Int]) -> [[Block?]]? {
    BlockMove.all(into: region, of: variable, from: stored)?.map { [$0.from, $0.to] }
  }

  @Test func theWholeFillsTheWhole() {
    #expect(moves(.whole, [4, 3], [4, 3]) == [[nil, nil]])
    #expect(moves(.whole, [4, 3], [3, 4]) == nil && moves(.whole, [4, 3], [4]) == nil)
  }

  /// A tensor that reaches as far gives the same places; one that is just as long gives all it has, in order.
  @Test func partsFillParts() {
    let region = Region.blocks([rows(0..<1), rows(2..<4)])
    #expect(moves(region, [5, 3], [5, 3]) == [[rows(0..<1), rows(0..<1)], [rows(2..<4), rows(2..<4)]])
    #expect(moves(region, [5, 3], [3, 3]) == [[rows(0..<1), rows(0..<1)], [rows(1..<3), rows(2..<4)]])
    for stored in [[2, 3], [3, 2], [5, 2], [5], [5, 3, 1]] { #expect(moves(region, [5, 3], stored) == nil) }
  }
}
