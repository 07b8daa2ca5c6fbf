/// Sums, means and extremes over axes, and comparison with tolerance.
extension NDArray {
  /// The sum over axes, all of them for nil; formed in `f64` and rounded once.
  ///
  /// - Parameters:
  ///   - axes: counted from the end where negative.
  ///   - keepingAxes: whether they stay, with extent 1: NumPy's `keepdims`.
  /// - Throws: `.invalidArgument` where the array has no such axis or it is named twice, and where a sum of integers
  ///   leaves 32 bits.
  public func sum(axes: [Int]? = nil, keepingAxes: Bool = false) throws(FirnError) -> NDArray {
    let result = try reduced(axes, keepingAxes) { $0.reduce(0, +) }
    let target: DType = dtype == .bool ? .i32 : dtype
    if target == .i32, let far = result.doubles.first(where: { Int32(exactly: $0) == nil }) {
      throw FirnError(
        .invalidArgument, "a sum over \(type) is \(far), which is no i32", remedy: "use `converted(to: .f64)`"
      )
    }
    return result.converted(to: target)
  }

  /// The mean over axes, all of them for nil; formed in `f64` and rounded once; of integers an `f64`.
  ///
  /// Of no elements it is NaN.
  ///
  /// - Parameters:
  ///   - axes: counted from the end where negative.
  ///   - keepingAxes: whether they stay, with extent 1: NumPy's `keepdims`.
  /// - Throws: `.invalidArgument` where the array has no such axis or it is named twice.
  public func mean(axes: [Int]? = nil, keepingAxes: Bool = false) throws(FirnError) -> NDArray {
    let result = try reduced(axes, keepingAxes) { $0.reduce(0, +) / Double($0.count) }
    return result.converted(to: dtype.isFloatingPoint ? dtype : .f64)
  }

  /// The greatest element over axes, all of them for nil; NaN where one is.
  ///
  /// - Parameters:
  ///   - axes: counted from the end where negative.
  ///   - keepingAxes: whether they stay, with extent 1: NumPy's `keepdims`.
  /// - Throws: `.invalidArgument` where the array has no such axis or it is named twice, and where there are no elements
  ///   to choose from.
  public func max(axes: [Int]? = nil, keepingAxes: Bool = false) throws(FirnError) -> NDArray {
    try extreme(axes, keepingAxes, "max") { $0 > $1 }
  }

  /// The least element over axes, all of them for nil; NaN where one is.
  ///
  /// - Parameters:
  ///   - axes: counted from the end where negative.
  ///   - keepingAxes: whether they stay, with extent 1: NumPy's `keepdims`.
  /// - Throws: `.invalidArgument` where the array has no such axis or it is named twice, and where there are no elements
  ///   to choose from.
  public func min(axes: [Int]? = nil, keepingAxes: Bool = false) throws(FirnError) -> NDArray {
    try extreme(axes, keepingAxes, "min") { $0 < $1 }
  }

  /// Whether all elements are within a tolerance of another array's: |a - b| ≤ absolute + relative · |b|.
  ///
  /// NumPy's `allclose`, PyTorch's too, with their defaults. Equal infinities are close. Element types may differ.
  ///
  ///     #expect(try session.value(of: "head/kernel").isClose(to: expected))
  ///
  /// - Parameters:
  ///   - other: what is expected; false where its shape is another.
  ///   - relative: how far apart for each unit of what is expected.
  ///   - absolute: how far apart besides.
  ///   - nanIsClose: whether NaN is close to NaN; NumPy's `equal_nan`.
  public func isClose(
    to other: NDArray, relative: Double = 1e-5, absolute: Double = 1e-8, nanIsClose: Bool = false
  ) -> Bool {
    guard shape == other.shape else { return false }
    return (0..<elementCount).allSatisfy { index in
      let (a, b) = (number(at: index), other.number(at: index))
      if a == b { return true }
      if a.isNaN || b.isNaN { return nanIsClose && a.isNaN && b.isNaN }
      return b.isFinite && abs(a - b) <= absolute + relative * abs(b)
    }
  }

  private func extreme(
    _ axes: [Int]?, _ keepingAxes: Bool, _ name: String, _ wins: (Double, Double) -> Bool
  ) throws(FirnError) -> NDArray {
    let (inner, outer) = try split(axes)
    if inner.contains(where: { shape[$0] == 0 }), !outer.contains(where: { shape[$0] == 0 }) {
      throw FirnError(
        .invalidArgument, "\(name) over no elements of \(type)", remedy: "reduce axes that are not empty")
    }
    return try reduced(axes, keepingAxes) { values in
      var best = values.first ?? .nan
      for value in values.dropFirst() where !best.isNaN && (value.isNaN || wins(value, best)) { best = value }
      return best
    }.converted(to: dtype)
  }

  /// One number for each run of the elements over `axes`, as an `f64`.
  private func reduced(
    _ axes: [Int]?, _ keepingAxes: Bool, _ combine: (ArraySlice<Double>) -> Double
  ) throws(FirnError) -> NDArray {
    let (inner, outer) = try split(axes)
    try ArrayType(.f64, outer.map { shape[$0] }).requireMemory()
    let moved = try transposed(outer + inner).doubles
    let count = inner.map { shape[$0] }.elementCount
    let results = (0..<outer.map { shape[$0] }.elementCount).map { place in
      combine(moved[place * count..<(place + 1) * count])
    }
    let kept =
      keepingAxes ? shape.indices.map { inner.contains($0) ? 1 : shape[$0] } : outer.map { shape[$0] }
    return try NDArray(results, shape: kept)
  }

  /// The axes that are reduced and those that stay, each in order.
  private func split(_ axes: [Int]?) throws(FirnError) -> (inner: [Int], outer: [Int]) {
    guard let axes else { return (Array(shape.indices), []) }
    var inner: [Int] = []
    for axis in axes {
      let axis = try checked(axis)
      if inner.contains(axis) {
        throw FirnError(.invalidArgument, "axes \(axes) name axis \(axis) twice", remedy: "name it once")
      }
      inner.append(axis)
    }
    return (inner.sorted(), shape.indices.filter { !inner.contains($0) })
  }
}
