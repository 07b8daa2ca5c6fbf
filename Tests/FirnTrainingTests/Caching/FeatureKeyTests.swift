import FirnGraph
@testable import FirnTraining
import Testing

/// Digests by which features are found: whatever goes into one makes it another.
@Suite struct FeatureKeyTests {
  private func key(_ add: (inout Digest) -> Void) -> FeatureKey {
    var digest = Digest()
    add(&digest)
    return FeatureKey(&digest)
  }

  /// Where a text ends, and which type and shape an array has, count as what is in them.
  @Test func whatIsAddedIsToldApart() throws {
    let numbers = try noise([2, 3])
    let bits = try NDArray(numbers.floats.map { Int32(bitPattern: $0.bitPattern) }, shape: [2, 3])
    let turned = try numbers.reshaped(to: [3, 2])
    let other = key { $0.add("other") }
    let keys = [
      key { _ in }, other, key { $0.add(other) },
      key {
        $0.add("ab")
        $0.add("c")
      },
      key {
        $0.add("a")
        $0.add("bc")
      },
      key { $0.add(numbers) }, key { $0.add(bits) }, key { $0.add(turned) },
    ]
    #expect(Set(keys).count == keys.count)
    #expect(key { $0.add(numbers) } == key { $0.add(numbers) })
  }

  /// SHA-256 of "firn 40", of which two words begin with a zero, as any other program writes it.
  @Test func theyReadTheSameEverywhere() {
    let key = key { $0.update("firn 40") }
    #expect(key.text == "0ccb1d177dff26a4554b7b4dfddb0eed1897c67d684e4e0278f744c1071fc69a")
    #expect(key.bytes.withUnsafeBytes { FeatureKey($0) } == key)
  }

  // MARK: Examples

  fileprivate typealias Columns = [(name: String, array: NDArray)]

  /// Three examples of a row of two numbers and a label each.
  private func columns() throws -> Columns {
    [
      ("x", try NDArray([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2])), ("y", NDArray([7, 8, 9] as [Int32])),
    ]
  }

  /// What may be otherwise about the second example.
  enum Change: CaseIterable {
    case firstElement, lastElement, otherColumn, name, shape, type, lessColumns

    fileprivate func applied(to columns: Columns) throws -> Columns {
      let (x, y) = (columns[0], columns[1])
      return switch self {
      case .firstElement: [("x", try NDArray([1, 2, 0, 4, 5, 6] as [Float], shape: [3, 2])), y]
      case .lastElement: [("x", try NDArray([1, 2, 3, 0, 5, 6] as [Float], shape: [3, 2])), y]
      case .otherColumn: [x, ("y", NDArray([7, 0, 9] as [Int32]))]
      case .name: [("z", x.array), y]
      case .shape: [("x", NDArray(ArrayType(.f32, [3, 1, 2]), in: x.array.sharedStorage)), y]
      case .type: [x, ("y", NDArray(ArrayType(.f32, [3]), in: y.array.sharedStorage))]
      case .lessColumns: [x]
      }
    }

    /// Whether the examples beside it are what they were.
    var isOfOne: Bool { [.firstElement, .lastElement, .otherColumn].contains(self) }
  }

  @Test(arguments: Change.allCases) func allOfAnExampleCounts(_ change: Change) throws {
    let (plain, changed) = (ExampleDigests(try columns()), ExampleDigests(try change.applied(to: columns())))
    #expect(plain[1] != changed[1])
    for example in [0, 2] { #expect((plain[example] == changed[example]) == change.isOfOne) }
    #expect(Set((0..<3).map { plain[$0] }).count == 3)
  }

  /// A place knows digests of the very same columns again, and of no others.
  @Test(arguments: Change.allCases) func otherColumnsHaveDigestsOfTheirOwn(_ change: Change) throws {
    let place = FeaturePlace.memory(limit: 0)
    let columns = try columns()
    let (known, other) = (place.digests(of: columns), place.digests(of: try change.applied(to: columns)))
    #expect(known !== other)
    #expect(place.digests(of: columns) === known)
  }

  /// Of many data sets those used last are known.
  @Test func thoseUsedLastAreKnown() throws {
    let place = FeaturePlace.memory(limit: 0)
    var last: ExampleDigests?
    for _ in 0..<9 {
      let columns = try columns()
      last = place.digests(of: columns)
      #expect(place.digests(of: columns) === last)
    }
  }
}
