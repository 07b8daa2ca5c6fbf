import FirnGraph
import Testing

@testable import FirnRuntime

/// What is known of where a variable's parts came from.
@Suite struct OriginTests {
  private let variable: Variable

  init() throws {
    let graph = Graph()
    _ = graph.variable("w", shape: [4, 3])
    variable = try #require(graph.variables.first)
  }

  private func rows(_ range: Range<Int>) -> Block { Block(axis: 0, range: range) }
  private let column = Block(axis: 1, range: 0..<1)

  @Test(arguments: [Origin.initialized, .trained, .loaded])
  func theWholeTakesTheOther(_ other: Origin) {
    for var origin in [Origin.initialized, .trained, .loaded] {
      origin.set(nil, to: other, of: variable)
      #expect(origin == other)
    }
  }

  /// Loaded part by part it is loaded when nothing random is left.
  @Test func loadedInParts() {
    var origin = Origin.initialized
    origin.set([rows(0..<1), rows(3..<4)], to: .loaded, of: variable)
    #expect(origin == Origin(provenance: .initialized, initialRegion: .blocks([rows(1..<3)])))
    origin.set([rows(0..<2)], to: .loaded, of: variable)
    #expect(origin == Origin(provenance: .initialized, initialRegion: .blocks([rows(2..<3)])))
    origin.set([rows(2..<4)], to: .loaded, of: variable)
    #expect(origin == .loaded)
  }

  /// A run that writes some of it has trained it, and the rest stays what it was.
  @Test func trainedInParts() {
    var origin = Origin.initialized
    origin.set([rows(0..<2)], to: .trained, of: variable)
    #expect(origin == Origin(provenance: .trained, initialRegion: .blocks([rows(2..<4)])))
    var loaded = Origin.loaded
    loaded.set([rows(0..<2)], to: .trained, of: variable)
    #expect(loaded == .trained)
    // Loading into what a run wrote does not undo that.
    loaded.set([rows(1..<2)], to: .loaded, of: variable)
    #expect(loaded == .trained)
  }

  /// First values again: a part is random, and with the last part the whole is.
  @Test func initializedInParts() {
    var origin = Origin.loaded
    origin.set([rows(0..<1)], to: .initialized, of: variable)
    #expect(origin == Origin(provenance: .loaded, initialRegion: .blocks([rows(0..<1)])))
    origin.set([rows(1..<4)], to: .initialized, of: variable)
    #expect(origin == .initialized)
  }

  /// What cannot be told apart counts as random where some of it is, and never as less than it was.
  @Test func otherAxes() {
    var origin = Origin(provenance: .loaded, initialRegion: .blocks([rows(0..<1)]))
    origin.set([column], to: .loaded, of: variable)
    #expect(origin == Origin(provenance: .loaded, initialRegion: .blocks([rows(0..<1)])))
    origin.set([column], to: .initialized, of: variable)
    #expect(origin == .initialized)
    var whole = Origin.loaded
    whole.set([column], to: .initialized, of: variable)
    #expect(whole == Origin(provenance: .loaded, initialRegion: .blocks([column])))
  }
}
