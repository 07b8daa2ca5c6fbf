import Testing

@testable import FirnGraph

/// The set of names, held against Swift's own.
@Suite struct NameSetTests {
  /// Numbers that look random, the same for the same seed.
  private struct Numbers {
    var state: UInt64

    mutating func below(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % count
    }
  }

  /// Names of every length round the eight bytes that are hashed at once, many of them alike but for one letter.
  private func name(_ numbers: inout Numbers) -> String {
    let letters = numbers.below(2) == 0 ? ["a", "b"] : ["a", "/", "_", "é", "1"]
    return (0..<numbers.below(20)).map { _ in letters[numbers.below(letters.count)] }.joined()
  }

  private func node(_ name: String) -> Node { Node(op: RandomState(), inputs: [], types: [], name: name) }

  @Test(arguments: 0..<50) func itHoldsWhatWasPutIn(_ seed: Int) {
    var numbers = Numbers(state: UInt64(seed))
    var (names, known) = (NameSet(), Set<String>())
    #expect(names.isEmpty && !names.contains(nameOf: node("")))
    if numbers.below(2) == 0 { names.reserve(numbers.below(100)) }
    for _ in 0..<numbers.below(2000) {
      let name = name(&numbers)
      #expect(names.contains(nameOf: node(name)) == known.contains(name))
      let (isNew, wasNew) = (names.insert(name), known.insert(name).inserted)
      #expect(isNew == wasNew)
      #expect(names.contains(nameOf: node(name)))
    }
    #expect(names.isEmpty == known.isEmpty)
    for name in known {
      #expect(names.contains(nameOf: node(name)) && !names.contains(nameOf: node(name + "c")))
    }
  }

  /// Some names put in by the position of the nodes that have them, some as they stand.
  @Test(arguments: 0..<50) func itHoldsTheNamesOfNodes(_ seed: Int) {
    var numbers = Numbers(state: UInt64(seed))
    let nodes = (0..<numbers.below(500)).map { _ in node(name(&numbers)) }
    var (names, known) = (NameSet(of: nodes), Set<String>())
    for position in nodes.indices {
      #expect(names.contains(nameOf: nodes[position]) == known.contains(nodes[position].name))
      let name = numbers.below(2) == 0 ? nil : name(&numbers)
      let isNew = name.map { names.insert($0) } ?? names.insert(nodeAt: position)
      #expect(isNew == known.insert(name ?? nodes[position].name).inserted)
    }
    for position in nodes.indices {
      #expect(names.contains(nameOf: nodes[position]) == known.contains(nodes[position].name))
    }
  }

  /// Names that differ in one place only, wherever it is.
  @Test func everyByteCounts() {
    var names = NameSet()
    for length in 1...40 {
      for place in 0..<length {
        var bytes = [UInt8](repeating: UInt8(ascii: "x"), count: length)
        bytes[place] = UInt8(ascii: "y")
        let isNew = names.insert(String(decoding: bytes, as: UTF8.self))
        #expect(isNew)
      }
    }
  }

  @Test func numbersGoOnWhereNamesAreFree() {
    var names = UniqueNames()
    names.reserve("dense_2")
    let made = ["dense", "dense", "dense", "dense_1"].map { names.unique($0) }
    #expect(made == ["dense", "dense_1", "dense_3", "dense_1_1"])
  }
}
