/// A function of an element's index; equal to itself alone.
package final class ElementFunction: Hashable, Sendable {
  private let element: @Sendable ([Int]) -> Double

  init(_ element: @escaping @Sendable ([Int]) -> Double) { self.element = element }

  /// The function at every index of an array of this shape, in row-major order.
  func values(_ shape: [Int]) -> [Double] {
    var index = [Int](repeating: 0, count: shape.count)
    return (0..<shape.reduce(1, *)).map { _ in
      defer { advance(&index, in: shape) }
      return element(index)
    }
  }

  private func advance(_ index: inout [Int], in shape: [Int]) {
    for axis in shape.indices.reversed() {
      index[axis] += 1
      if index[axis] < shape[axis] { return }
      index[axis] = 0
    }
  }

  package static func == (a: ElementFunction, b: ElementFunction) -> Bool { a === b }

  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
