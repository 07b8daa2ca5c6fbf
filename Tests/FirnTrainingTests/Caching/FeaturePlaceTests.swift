import FirnGraph
import FirnOps
import FirnRuntime
@testable import FirnTraining
import Testing

/// How much a place in memory holds, and what it forgets for something new.
@Suite struct FeaturePlaceTests {
  /// Records of ten bytes in a place of a hundred.
  private struct Shelf {
    let place = FeaturePlace.memory(limit: 100)

    func key(_ text: String) -> FeatureKey {
      var digest = Digest()
      digest.add(text)
      return FeatureKey(&digest)
    }

    func store(_ group: String) -> any FeatureStore {
      place.store(of: key(group), recordSize: 10) { _ in }
    }

    /// Keeps records, each of a byte of its own, with its number.
    @discardableResult
    func keep(_ range: Range<Int>, in store: any FeatureStore) -> [Int]? {
      range.flatMap { [UInt8](repeating: UInt8($0), count: 10) }
        .withUnsafeBytes { bytes in store.keep(bytes, under: range.map { key("\($0)") }) }
    }

    func count(_ group: String) -> Int {
      let store = store(group)
      return (0..<100).count { store.record(of: key("\($0)")) != nil }
    }
  }

  /// A place is filled to the last byte; then groups go that were asked for longest ago, as many as it takes.
  @Test func theOldestGoUntilThereIsRoom() {
    let shelf = Shelf()
    for (group, count) in [("a", 4), ("b", 4), ("c", 2)] { shelf.keep(0..<count, in: shelf.store(group)) }
    #expect(["b", "c", "a"].map(shelf.count) == [4, 2, 4])
    #expect(shelf.keep(0..<6, in: shelf.store("d"))?.count == 6)
    #expect(["a", "d", "b", "c"].map(shelf.count) == [4, 6, 0, 0])
  }

  /// What cannot fit even alone, with what its group holds, costs nobody a place.
  @Test func whatNeverFitsDrivesNothingOut() {
    let shelf = Shelf()
    shelf.keep(0..<3, in: shelf.store("a"))
    #expect(shelf.keep(0..<11, in: shelf.store("b")) == nil)
    #expect(shelf.keep(0..<5, in: shelf.store("b"))?.count == 5)
    #expect(shelf.keep(5..<11, in: shelf.store("b")) == nil)
    #expect(shelf.count("a") == 3 && shelf.count("b") == 5)
  }

  /// What is held elsewhere stays, and what is left over is all that others get.
  @Test func whatIsHeldStays() {
    let shelf = Shelf()
    let held = shelf.store("a")
    shelf.keep(0..<4, in: held)
    #expect(shelf.keep(0..<7, in: shelf.store("b")) == nil)
    #expect(shelf.keep(0..<6, in: shelf.store("b"))?.count == 6)
    #expect(shelf.keep(0..<1, in: shelf.store("c"))?.count == 1)
    withExtendedLifetime(held) { #expect(["a", "b", "c"].map(shelf.count) == [4, 0, 1]) }
  }

  /// The number of a record that was forgotten is no other's.
  @Test func numbersAreNotGivenAgain() throws {
    let shelf = Shelf()
    let store = MemoryFeatures(recordSize: 10, in: shelf.place) { _ in }
    let old = try #require(shelf.keep(0..<4, in: store))
    store.discard()
    #expect(store.byteCount == 0)
    let new = try #require(shelf.keep(4..<9, in: store))
    #expect(Set(old).isDisjoint(with: new) && store.bytes(of: old) == nil)
    #expect(store.bytes(of: new)?.map { $0.load(as: UInt8.self) } == [4, 5, 6, 7, 8])
  }

  // MARK: Weights

  /// Sessions have values of their own, be they given equally often; a first value is one as any other.
  @Test func weightsAreTheSessionsOwn() throws {
    let graph = Graph()
    _ = graph.variable("w", shape: [3], initializer: .uniform())
    let place = FeaturePlace.memory(limit: 0)
    let sessions = try (1...2).map { try quietSession(graph, seed: $0) }
    for round in 0..<2 {
      let keys = try sessions.map { try place.contents(of: "w", in: $0) }
      #expect(keys[0] != keys[1] && place.digestedVariables == 2 * (round + 1))
      #expect(try sessions.map { try place.contents(of: "w", in: $0) } == keys)
      #expect(place.digestedVariables == 2 * (round + 1))
      for (number, session) in sessions.enumerated() {
        try session.setValue(noise([3], "\(number) \(round)"), of: "w")
      }
    }
  }
}
