import FirnGraph

/// Where values are in a body that is being made; clearing it takes as long as it was filled.
final class Places {
  private var places: [Value]
  private var filled: [Int] = []

  private static let nowhere = Value(-1)

  init(_ count: Int) { places = Array(repeating: Self.nowhere, count: count) }

  subscript(value: Int) -> Value? {
    get { places[value].node < 0 ? nil : places[value] }
    set {
      places[value] = newValue ?? Self.nowhere
      filled.append(value)
    }
  }

  func clear() {
    for value in filled { places[value] = Self.nowhere }
    filled.removeAll(keepingCapacity: true)
  }
}
