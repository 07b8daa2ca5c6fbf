/// Elements in another order, and parts of arrays; each is a copy.
extension NDArray {
  /// The axes in another order: NumPy's `transpose`, PyTorch's `permute`; reversed for nil, as NumPy's `.T`.
  ///
  ///     let kernel = try weight.transposed()                 // PyTorch's Linear: [out, in] to [in, out]
  ///     let filters = try weight.transposed([2, 3, 1, 0])    // its Conv2d: to [height, width, in, out]
  ///
  /// - Parameter axes: for each axis of the result, which one of the array's it is; counted from the end where negative.
  /// - Throws: `.invalidArgument` unless each axis is named once.
  /// - Complexity: O(elements).
  public func transposed(_ axes: [Int]? = nil) throws(FirnError) -> NDArray {
    let order = (axes ?? shape.indices.reversed()).map { $0 < 0 ? $0 + shape.count : $0 }
    guard order.sorted() == Array(shape.indices) else {
      throw FirnError(
        .invalidArgument, "transpose \(axes ?? []) of \(type)",
        remedy: "name each of its \(shape.count) axes once")
    }
    let strides = shape.rowMajorStrides
    return gathering(order.map { shape[$0] }, strides: order.map { strides[$0] })
  }

  /// A range of indices along one axis: NumPy's `x[a:b]` on axis 0, `x[:, a:b]` on axis 1.
  ///
  /// - Parameters:
  ///   - axis: counted from the end where negative.
  ///   - start: the first index, counted from the end where negative.
  ///   - end: behind the last index, likewise; the axis's extent for nil.
  /// - Throws: `.invalidArgument` where the array has no such axis, `.indexOutOfRange` where the axis has no such
  ///   indices. NumPy cuts such ranges without a word.
  /// - Complexity: O(elements of the result).
  public func sliced(axis: Int, from start: Int, to end: Int? = nil) throws(FirnError) -> NDArray {
    let axis = try checked(axis)
    let extent = shape[axis]
    func counted(_ index: Int) -> Int { index < 0 ? index + extent : index }
    let (low, high) = (counted(start), end.map(counted) ?? extent)
    guard 0 <= low, low <= high, high <= extent else {
      throw FirnError(
        .indexOutOfRange, "indices \(start)..<\(end ?? extent) of an axis of \(extent) in \(type)",
        remedy: "choose a range within 0..<\(extent), or count from the end by negative numbers")
    }
    return block(Block(axis: axis, range: low..<high))
  }

  /// What stands at one index of an axis, without that axis: NumPy's `x[i]`, `x[:, i]`.
  ///
  /// - Parameters:
  ///   - axis: counted from the end where negative.
  ///   - index: counted from the end where negative.
  /// - Throws: as ``sliced(axis:from:to:)``.
  public func element(axis: Int = 0, at index: Int) throws(FirnError) -> NDArray {
    let counted = index < 0 ? index + shape[try checked(axis)] : index
    let part = try sliced(axis: axis, from: index, to: counted < 0 ? nil : counted.saturatingSum(1))
    var shape = part.shape
    shape.remove(at: try checked(axis))
    return try part.reshaped(to: shape)
  }

  /// Repeated to a shape by NumPy's rules: extents of 1, and axes that are missing in front, are repeated.
  ///
  /// - Throws: `.shapeMismatch` where the array does not broadcast to `target`.
  public func broadcast(to target: [Int]) throws(FirnError) -> NDArray {
    let missing = target.count - shape.count
    guard missing >= 0, zip(shape, target.dropFirst(missing)).allSatisfy({ $0 == $1 || $0 == 1 }),
      Self.elementCount(of: target) != nil
    else {
      throw FirnError(
        .shapeMismatch, "\(type) does not broadcast to \(Shape(target))",
        remedy: "each extent must be the same or 1, counted from the last axis on")
    }
    if shape == target { return self }
    try ArrayType(dtype, target).requireMemory()
    let own = shape.rowMajorStrides
    let strides = target.indices.map { axis in
      axis < missing || shape[axis - missing] == 1 ? 0 : own[axis - missing]
    }
    return gathering(target, strides: strides)
  }

  private func gathering(_ shape: [Int], strides: [Int]) -> NDArray {
    if shape.elementCount == 0 { return NDArray(cleared: ArrayType(dtype, shape)) }
    return withUnsafeBytes { source in
      NDArray(
        ArrayType(dtype, shape),
        in: StridedElements(shape, strides: strides).gathered(from: source, byteCount: dtype.byteCount))
    }
  }

  /// `axis` counted from the front.
  ///
  /// - Throws: `.invalidArgument` where the array has no such axis.
  func checked(_ axis: Int) throws(FirnError) -> Int {
    let counted = axis < 0 ? axis + shape.count : axis
    guard shape.indices.contains(counted) else {
      throw FirnError(
        .invalidArgument, "axis \(axis) of \(type)",
        remedy: shape.isEmpty
          ? "a scalar has no axes" : "choose one of -\(shape.count)..<\(shape.count); the last is -1")
    }
    return counted
  }
}

/// Joins arrays along an axis: NumPy's `concatenate`, PyTorch's `cat`.
///
/// - Parameters:
///   - arrays: one or more, of one element type, equal in all other extents.
///   - axis: counted from the end where negative.
/// - Throws: `.invalidArgument` where there is nothing to join or no such axis, `.typeMismatch`, `.shapeMismatch`.
public func concatenate(_ arrays: [NDArray], axis: Int = 0) throws(FirnError) -> NDArray {
  guard let first = arrays.first else {
    throw FirnError(.invalidArgument, "concatenate of no arrays", remedy: "give at least one")
  }
  let axis = try first.checked(axis)
  var shape = first.shape
  shape[axis] = 0
  for array in arrays {
    guard array.dtype == first.dtype else {
      throw FirnError(
        .typeMismatch, "concatenate: \(array.type) beside \(first.type)",
        remedy: "use `converted(to:)` on one")
    }
    var (own, other) = (array.shape, first.shape)
    guard own.count == other.count else {
      throw FirnError(
        .shapeMismatch, "concatenate: \(array.type) beside \(first.type)",
        remedy: "give them equally many axes")
    }
    let (extent, overflow) = shape[axis].addingReportingOverflow(own[axis])
    guard !overflow else {
      throw FirnError(
        .invalidArgument, "concatenate: axis \(axis) of \(arrays.count) arrays is longer than \(Int.max)",
        remedy: "check the extents")
    }
    shape[axis] = extent
    (own[axis], other[axis]) = (0, 0)
    guard own == other else {
      throw FirnError(
        .shapeMismatch, "concatenate along axis \(axis): \(array.type) beside \(first.type)",
        remedy: "all extents but that one must agree")
    }
  }
  var result = try NDArray(zeros: shape, dtype: first.dtype)
  var start = 0
  for array in arrays {
    let end = start + array.shape[axis]
    result.replace(Block(axis: axis, range: start..<end), with: array)
    start = end
  }
  return result
}
