import FirnGraph

/// Integers or truth values known while a model is read: extents, axes, and what is computed of them.
///
/// Elements may be polynomials in named dimensions, so shapes made of `Shape`, `Gather` and `Concat` stay what they
/// say.
struct KnownIntegers {
  var shape: [Int]
  var values: [Dim]
  /// Whether elements are truth values, 0 or 1.
  var isBool = false

  /// More are not worth folding: such tensors hold data, not shapes.
  static let limit = 1 << 14

  init(shape: [Int], values: [Dim], isBool: Bool = false) {
    self.shape = shape
    self.values = values
    self.isBool = isBool
  }

  /// A vector.
  init(_ values: [Dim]) { self.init(shape: [values.count], values: values) }

  /// A scalar.
  init(scalar value: Dim) { self.init(shape: [], values: [value]) }

  /// The elements as numbers; nil where one is named.
  var numbers: [Int]? {
    let numbers = values.compactMap(\.value)
    return numbers.count == values.count ? numbers : nil
  }

  // MARK: Arithmetic

  /// Element by element, with broadcasting; nil where one has no answer.
  func combined(
    _ other: KnownIntegers, isBool: Bool = false, _ function: (Dim, Dim) -> Dim?
  ) -> KnownIntegers? {
    guard let shape = Self.broadcast(self.shape, other.shape) else { return nil }
    let (a, b) = (broadcast(to: shape), other.broadcast(to: shape))
    guard let a, let b else { return nil }
    var values: [Dim] = []
    for (x, y) in zip(a.values, b.values) {
      guard let value = function(x, y) else { return nil }
      values.append(value)
    }
    return KnownIntegers(shape: shape, values: values, isBool: isBool)
  }

  static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = Swift.max(a.count, b.count)
    var result: [Int] = []
    for axis in 0..<rank {
      let (i, j) = (axis - rank + a.count, axis - rank + b.count)
      let (x, y) = (i < 0 ? 1 : a[i], j < 0 ? 1 : b[j])
      guard x == y || x == 1 || y == 1 else { return nil }
      result.append(x == 1 ? y : x)
    }
    return result
  }

  func broadcast(to target: [Int]) -> KnownIntegers? {
    guard let count = NDArray.elementCount(of: target), count <= Self.limit, target.count >= shape.count
    else { return nil }
    let padded = Array(repeating: 1, count: target.count - shape.count) + shape
    guard zip(padded, target).allSatisfy({ $0 == $1 || $0 == 1 }) else { return nil }
    return gathered(target) { index in zip(index.suffix(shape.count), shape).map { $1 == 1 ? 0 : $0 } }
  }

  // MARK: Movement

  /// Elements of this one at places that `source` gives for each place of a result of this shape; nil beyond the limit.
  func gathered(_ target: [Int], _ source: ([Int]) -> [Int]) -> KnownIntegers? {
    guard let count = NDArray.elementCount(of: target), count <= Self.limit else { return nil }
    let strides = shape.rowMajorStrides
    var index = [Int](repeating: 0, count: target.count)
    var result: [Dim] = []
    result.reserveCapacity(count)
    for _ in 0..<count {
      result.append(values[zip(source(index), strides).reduce(0) { $0 + $1.0 * $1.1 }])
      var axis = target.count - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < target[axis] { break }
        index[axis] = 0
        axis -= 1
      }
    }
    return KnownIntegers(shape: target, values: result, isBool: isBool)
  }

  func reshaped(_ shape: [Int]) -> KnownIntegers? {
    NDArray.elementCount(of: shape) == values.count
      ? KnownIntegers(shape: shape, values: values, isBool: isBool) : nil
  }

  func transposed(_ permutation: [Int]) -> KnownIntegers? {
    guard permutation.sorted() == Array(shape.indices) else { return nil }
    return gathered(permutation.map { shape[$0] }) { index in
      var source = index
      for (place, axis) in permutation.enumerated() { source[axis] = index[place] }
      return source
    }
  }
}

extension Dim {
  /// The floor of the quotient, as far as it is known.
  func dividedDown(by divisor: Dim) -> Dim? {
    if let exact = divided(exactlyBy: divisor) { return exact }
    guard let a = value, let b = divisor.value, b != 0 else { return nil }
    // ONNX's integers divide towards zero.
    return Dim(a.dividedReportingOverflow(by: b).partialValue)
  }

  /// Whether both are equal for every extent, or for none; nil where that depends.
  ///
  /// Extents are 0 or more.
  func isEqual(to other: Dim) -> Bool? {
    let difference = self - other
    if let number = difference.value { return number == 0 }
    return difference.isPositive || (0 - difference).isPositive ? false : nil
  }

  /// Whether it is less, for every extent or for none; nil where that depends.
  func isLess(than other: Dim) -> Bool? {
    let difference = other - self
    if difference.isPositive { return true }
    return (0 - difference).isNeverNegative ? false : nil
  }

  /// Whether it is the same or less, for every extent or for none; nil where that depends.
  func isAtMost(_ other: Dim) -> Bool? { other.isLess(than: self).map { !$0 } }

  /// The one that is the larger for every extent; nil where that depends.
  static func larger(_ a: Dim, _ b: Dim) -> Dim? {
    if a.isAtMost(b) == true { return b }
    return b.isAtMost(a) == true ? a : nil
  }

  /// The one that is the smaller for every extent; nil where that depends.
  static func smaller(_ a: Dim, _ b: Dim) -> Dim? {
    if a.isAtMost(b) == true { return a }
    return b.isAtMost(a) == true ? b : nil
  }

  /// Whether it is 0 or more for every extent, as far as signs tell.
  private var isNeverNegative: Bool { summands.allSatisfy { $0.coefficient >= 0 } }

  /// Whether it is more than 0 for every extent, as far as signs tell; extents may all be 0.
  private var isPositive: Bool {
    isNeverNegative && summands.contains { $0.names.isEmpty && $0.coefficient > 0 }
  }
}
