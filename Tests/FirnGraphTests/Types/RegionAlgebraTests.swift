import FirnGraph
import Testing

/// Regions against sets of positions.
@Suite struct RegionAlgebraTests {
  private func variable() throws -> Variable {
    let graph = Graph()
    _ = graph.variable("w", shape: [5, 3])
    return try #require(graph.variables.first)
  }

  private func positions(_ region: Region?) -> Set<Int> {
    guard let region else { return [] }
    return region == .whole ? Set(0..<5) : Set(region.blocks.flatMap { Array($0.range) })
  }

  /// Every pair of subsets of five rows.
  @Test func regionsAreSets() throws {
    let variable = try variable()
    let regions = (0..<32).map { bits in
      Region.along(0, (0..<5).filter { bits >> $0 & 1 == 1 }.map { $0..<$0 + 1 }, extent: 5)
    }
    #expect(regions[0] == nil && regions[31] == .whole)
    #expect(regions[0b10110]?.blocks.map(\.description) == ["[1..<3]", "[4..<5]"])
    for a in regions {
      #expect(positions(try Region.complement(a, of: variable)) == Set(0..<5).subtracting(positions(a)))
      for b in regions {
        let union = try Region.union(a, b, of: variable)
        let difference = try Region.difference(a, b, of: variable)
        #expect(regions.contains(union) && positions(union) == positions(a).union(positions(b)))
        #expect(
          regions.contains(difference) && positions(difference) == positions(a).subtracting(positions(b)))
      }
    }
  }

  @Test func axesDoNotMix() throws {
    let variable = try variable()
    let rows = Region.blocks([Block(axis: 0, range: 0..<2)])
    let columns = Region.blocks([Block(axis: 1, range: 0..<2)])
    let union = #expect(throws: FirnError.self) { _ = try Region.union(rows, columns, of: variable) }
    let difference = #expect(throws: FirnError.self) {
      _ = try Region.difference(rows, columns, of: variable)
    }
    for fault in [union, difference] {
      #expect(fault?.code == .invalidSelection && fault?.place == "w")
    }
    for outside in [Block(axis: 0, range: 3..<6), Block(axis: 2, range: 0..<1)] {
      let fault = #expect(throws: FirnError.self) {
        _ = try Region.complement(.blocks([outside]), of: variable)
      }
      #expect(fault?.code == .invalidSelection)
    }
  }
}
