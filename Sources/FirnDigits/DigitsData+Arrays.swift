package import FirnGraph

/// What a graph is fed.
extension DigitsData {
  /// Ink on 0...1, `[count, 8, 8, 1]`.
  package func pixels(_ indices: [Int]) throws(FirnError) -> NDArray {
    let ink = indices.flatMap { image(at: $0).map { Float($0) / Float(DigitsData.maximumInk) } }
    return try NDArray(ink, shape: [indices.count, 8, 8, 1])
  }

  /// Labels, counted from `first`.
  package func classes(_ indices: [Int], from first: UInt8 = 0) -> NDArray {
    NDArray(indices.map { Int32(labels[$0]) - Int32(first) })
  }
}
