package import FirnGraph

/// Choices that are a function of the seed.
package struct RandomSource {
  private let generator: Philox
  private var counter = 0

  package init(seed: Int) { generator = Philox(seed: UInt64(seed), name: "random source") }

  /// A number in `0..<count`.
  package mutating func below(_ count: Int) -> Int {
    counter += 1
    return Int(generator.bits(counter)) % count
  }

  /// True in `percent` of a hundred cases.
  package mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

  package mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }

  package mutating func shuffled(_ numbers: Range<Int>) -> [Int] {
    var result = Array(numbers)
    for index in result.indices.dropFirst() { result.swapAt(index, below(index + 1)) }
    return result
  }

  /// Numbers on -1..<1.
  package mutating func array(_ shape: [Int], _ dtype: DType) -> NDArray {
    let count = shape.reduce(1, *)
    let values = (0..<count).map { _ in Double(below(1 << 20)) / Double(1 << 19) - 1 }
    let array = NDArray(values)
    return ((try? array.reshaped(to: shape)) ?? array).converted(to: dtype)
  }
}
