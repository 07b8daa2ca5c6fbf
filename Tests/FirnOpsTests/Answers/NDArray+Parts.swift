import FirnGraph

/// Rearranged by bytes, without an op.
extension NDArray {
  var tensorType: TensorType { TensorType(dtype, Shape(shape)) }

  func taking(_ range: Range<Int>, along axis: Int) -> NDArray {
    var part = shape
    part[axis] = range.count
    let inner = shape[(axis + 1)...].reduce(1, *)
    let width = range.count * inner
    return picking(part) { $0 / width * shape[axis] * inner + range.lowerBound * inner + $0 % width }
  }

  /// The elements `count` places later, the last ones first.
  func rotated(by count: Int) -> NDArray { picking(shape) { ($0 + count) % elementCount } }

  /// The elements in an order that leaves none of several in its place.
  func shuffled() -> NDArray {
    // A step without a common factor with the count meets every place.
    let step = (elementCount / 2 + 1..<2 * elementCount + 2).first {
      greatestCommonDivisor($0, elementCount) == 1
    }
    return picking(shape) { ($0 * (step ?? 1) + 1) % elementCount }
  }

  /// One after the other along a new first axis.
  static func stacked(_ arrays: [NDArray]) -> NDArray {
    var result = NDArray(cleared: ArrayType(arrays[0].dtype, [arrays.count] + arrays[0].shape))
    result.withUnsafeMutableBytes { target in
      for (index, array) in arrays.enumerated() {
        array.withUnsafeBytes { target[index * $0.count..<(index + 1) * $0.count].copyBytes(from: $0) }
      }
    }
    return result
  }

  private func picking(_ shape: [Int], _ place: (Int) -> Int) -> NDArray {
    var result = NDArray(cleared: ArrayType(dtype, shape))
    let (size, count) = (dtype.byteCount, result.elementCount)
    result.withUnsafeMutableBytes { target in
      withUnsafeBytes { source in
        for element in 0..<count {
          let from = place(element) * size
          target[element * size..<(element + 1) * size].copyBytes(from: source[from..<from + size])
        }
      }
    }
    return result
  }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
