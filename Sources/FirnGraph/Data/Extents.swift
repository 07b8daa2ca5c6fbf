extension Collection<Int> {
  /// The product of these extents; 0 where one of them is, however large the others.
  package var elementCount: Int { contains(0) ? 0 : reduce(1) { $0.saturatingProduct($1) } }

  /// Elements from one index to the next along each axis, in row-major order.
  ///
  /// Without a meaning, but also without a trap, where there are no elements and the other extents are huge.
  package var rowMajorStrides: [Int] {
    var strides: [Int] = []
    var stride = 1
    for extent in reversed() {
      strides.append(stride)
      stride &*= Swift.max(1, extent)
    }
    return strides.reversed()
  }
}
