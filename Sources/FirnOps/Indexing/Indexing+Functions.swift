public import FirnGraph

/// What becomes of an element that an update is put over.
public enum ScatterReduction: Hashable, Sendable, CaseIterable {
  /// The update takes its place; of several the last one.
  case replacing
  /// The sum of it and all updates.
  case adding
  /// Their product.
  case multiplying
  /// The greatest of it and all updates; NaN where one is.
  case maximum
  /// The smallest of it and all updates; NaN where one is.
  case minimum
}

/// The elements that indices name along one axis, each in its own line: PyTorch's `gather`, ONNX's `GatherElements`.
///
/// y[o…, i, n…] = x[o…, indices[o…, i, n…], n…]
///
/// | operand | type |
/// | --- | --- |
/// | x | any, [outer…, size, inner…], size at `axis` |
/// | indices | `i32`, as many axes; along others than `axis` at most x's extents, and where they are smaller x's first lines count |
/// | result | as x, of the shape of indices |
///
/// An index below 0 counts from the end. The gradient adds up where an index repeats.
///
/// Constraints: (C1) `axis` is one of x's; (C2) indices are `i32`; (C3) they have x's number of axes, and nowhere but
/// along `axis` a larger extent; (C4) x has less than 2³¹ elements. An index outside is an error of the run,
/// `.indexOutOfRange`.
///
/// - Parameters:
///   - x: what is looked up in.
///   - indices: where.
///   - axis: counts from the end where negative.
/// - Complexity: 3 FLOPs an element of the result.
public func gatherElements(
  _ x: Tensor, indices: Tensor, axis: Int, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard !indices.isPoisoned, let axis = x.axis(axis, "gatherElements", constraint: "C1", location: location)
  else { return .poisoned(in: x.graph) }
  return x.graph.at(location) {
    guard let (lines, places) = elementPlaces("gatherElements", x, indices, axis) else {
      return .poisoned(in: x.graph)
    }
    return lines.flattened().applying(Gather(axis: 0), places.flattened()).withShape(indices.shape)
  }
}

/// The slices that tuples of indices name: TensorFlow's `gather_nd`, ONNX's `GatherND`.
///
/// y[b…, i…, n…] = x[b…, indices[b…, i…, 0], indices[b…, i…, 1], …, n…]
///
/// | operand | type |
/// | --- | --- |
/// | x | any, [batch…, sizes…, inner…] |
/// | indices | `i32`, [batch…, places…, number of sizes] |
/// | result | as x, [batch…, places…, inner…] |
///
/// An index below 0 counts from the end. The gradient adds up where a place repeats.
///
/// Constraints: (C1) indices are `i32`; (C2) their last extent is a number, from 1 to the axes of x behind the batch;
/// (C3) the first `batchAxes` extents of both are equal; (C4) what is indexed has less than 2³¹ places. An index
/// outside is an error of the run, `.indexOutOfRange`.
///
/// - Parameters:
///   - x: what is looked up in.
///   - indices: where, a tuple along the last axis.
///   - batchAxes: how many first axes both share.
/// - Complexity: 2 FLOPs an index; the slices read and written once.
public func gatherND(
  _ x: Tensor, indices: Tensor, batchAxes: Int = 0, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned || indices.isPoisoned { return .poisoned(in: x.graph) }
  return x.graph.at(CallSite(file, line)) {
    guard let places = slicePlaces("gatherND", x, indices, batchAxes) else { return .poisoned(in: x.graph) }
    let rows = x.withShape(Shape([places.count] + places.inner))
    return rows.applying(Gather(axis: 0), places.flat.flattened())
      .withShape(Shape(indices.shape.dropLast() + places.inner))
  }
}

/// x with other elements where indices name them along one axis: PyTorch's `scatter` and `scatter_reduce`, ONNX's
/// `ScatterElements`.
///
/// y = x, but y[o…, indices[o…, i, n…], n…] is made of it and updates[o…, i, n…] by `reduction`
///
/// | operand | type |
/// | --- | --- |
/// | x | numbers, [outer…, size, inner…], size at `axis`; of `replacing` any |
/// | indices | `i32`, as many axes; along others than `axis` at most x's extents |
/// | updates | as x, of the shape of indices |
/// | result | as x |
///
/// An index below 0 counts from the end. Gradients pass to x and to updates: of what is overwritten none; elements that
/// tie for the greatest or smallest share it.
///
/// Constraints: (C1) `axis` is one of x's; (C2) indices are `i32`; (C3) they have x's number of axes, and nowhere but
/// along `axis` a larger extent; (C4) x has less than 2³¹ elements; (C5) updates are of x's element type and of the
/// shape of indices, and numbers unless `replacing`. An index outside is an error of the run, `.indexOutOfRange`.
///
/// - Parameters:
///   - x: what is there.
///   - indices: where updates go.
///   - updates: what goes there.
///   - axis: counts from the end where negative.
///   - reduction: how both come together.
/// - Complexity: 6 FLOPs an update, and two passes over x.
public func scatterElements(
  _ x: Tensor, indices: Tensor, updates: Tensor, axis: Int, reduction: ScatterReduction = .replacing,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard !indices.isPoisoned, !updates.isPoisoned,
    let axis = x.axis(axis, "scatterElements", constraint: "C1", location: location)
  else { return .poisoned(in: x.graph) }
  return x.graph.at(location) {
    guard let (_, places) = elementPlaces("scatterElements", x, indices, axis, ofWhole: true),
      fits("scatterElements", x, updates, shape: indices.shape, reduction)
    else { return .poisoned(in: x.graph) }
    return x.flattened().scattering(updates.flattened(), to: places.flattened(), reduction)
      .withShape(x.shape)
  }
}

/// x with other slices where tuples of indices name them: TensorFlow's `tensor_scatter_nd_update`, ONNX's `ScatterND`.
///
/// y = x, but y[indices[i…, 0], indices[i…, 1], …, n…] is made of it and updates[i…, n…] by `reduction`
///
/// | operand | type |
/// | --- | --- |
/// | x | numbers, [sizes…, inner…]; of `replacing` any |
/// | indices | `i32`, [places…, number of sizes] |
/// | updates | as x, [places…, inner…] |
/// | result | as x |
///
/// An index below 0 counts from the end. Gradients pass to x and to updates: of what is overwritten none; elements that
/// tie for the greatest or smallest share it.
///
/// Constraints: (C1) indices are `i32`; (C2) their last extent is a number, from 1 to x's number of axes; (C4) what is
/// indexed has less than 2³¹ places; (C5) updates are of x's element type and the shape above, and numbers unless
/// `replacing`. An index outside is an error of the run, `.indexOutOfRange`.
///
/// - Parameters:
///   - x: what is there.
///   - indices: where updates go, a tuple along the last axis.
///   - updates: what goes there.
///   - reduction: how both come together.
/// - Complexity: 2 FLOPs an index and 1 an element of updates, and two passes over x.
public func scatterND(
  _ x: Tensor, indices: Tensor, updates: Tensor, reduction: ScatterReduction = .replacing,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned || indices.isPoisoned || updates.isPoisoned { return .poisoned(in: x.graph) }
  return x.graph.at(CallSite(file, line)) {
    guard let places = slicePlaces("scatterND", x, indices, 0),
      fits(
        "scatterND", x, updates, shape: Shape(indices.shape.dropLast() + places.inner), reduction)
    else { return .poisoned(in: x.graph) }
    let flat = places.flat.flattened()
    let rows = updates.withShape(Shape([flat.shape[0]] + places.inner))
    return x.withShape(Shape([places.count] + places.inner)).scattering(rows, to: flat, reduction)
      .withShape(x.shape)
  }
}

/// The greatest or smallest elements along an axis, in order, and where they stand.
///
/// `values` are of x's type, `indices` `i32`; both have `count` for the extent of `axis`. The greatest first; of equal
/// ones that which stands first, and NaN counts as greater than all else, as in PyTorch's `topk`. Gradients pass by the
/// values.
///
/// Constraints: (C1) x is a number; (C2) `axis` is one of its axes; (C3) where they are numbers, `count` is in
/// 0...extent; (C4) x has less than 2³¹ elements.
///
/// - Parameters:
///   - x: what is chosen from.
///   - count: how many; the extent for all of them, sorted.
///   - axis: counts from the end where negative.
///   - smallest: chooses the smallest, those first.
/// - Complexity: a pass with log₂ count comparisons an element at most; along another axis than the last x is
///   transposed before and after.
public func topK(
  _ x: Tensor, _ count: Dim, axis: Int = -1, smallest: Bool = false, file: StaticString = #fileID,
  line: UInt = #line
) -> (values: Tensor, indices: Tensor) {
  let location = CallSite(file, line)
  guard let axis = x.axis(axis, "topK", constraint: "C2", location: location) else {
    return (.poisoned(in: x.graph), .poisoned(in: x.graph))
  }
  return x.graph.at(location) {
    var order = Array(0..<x.rank)
    order.swapAt(axis, x.rank - 1)
    let lines = x.permuted(order)
    let indices = lines.applying(TopIndices(count, isSmallest: smallest))
    if indices.isPoisoned { return (indices, indices) }
    let values = gatherElements(lines, indices: indices, axis: -1)
    return (values.permuted(order), indices.permuted(order))
  }
}

/// Where the elements along an axis stand, the smallest first: PyTorch's `argsort`, stable.
///
/// `i32` of x's shape; `gatherElements(x, indices:axis:)` sorts by it. NaN counts as greater than all else. No gradient
/// passes.
///
/// Constraints: (C1) x is a number; (C2) `axis` is one of its axes.
///
/// - Parameters:
///   - x: what is sorted.
///   - axis: counts from the end where negative.
///   - descending: the greatest first.
/// - Complexity: log₂ extent comparisons an element; along another axis than the last x is transposed before and after.
public func argsort(
  _ x: Tensor, axis: Int = -1, descending: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard let axis = x.axis(axis, "argsort", constraint: "C2", location: location) else {
    return .poisoned(in: x.graph)
  }
  return x.graph.at(location) {
    var order = Array(0..<x.rank)
    order.swapAt(axis, x.rank - 1)
    return x.permuted(order).applying(TopIndices(x.shape[axis], isSmallest: !descending)).permuted(order)
  }
}

// MARK: Pieces

extension Tensor {
  /// All elements along one axis.
  fileprivate func flattened() -> Tensor { withShape(Shape([shape.elementCount])) }

  /// These rows with `updates` in the places `indices` names, [places], checked already.
  fileprivate func scattering(
    _ updates: Tensor, to indices: Tensor, _ reduction: ScatterReduction
  ) -> Tensor {
    func reduced(_ function: ScatterReduce.Function) -> Tensor {
      indices.applying(ScatterReduce(function, size: shape[0]), updates)
    }
    switch reduction {
    case .adding: return self + indices.applying(ScatterAdd(axis: 0, size: shape[0]), updates)
    case .multiplying: return self * reduced(.prod)
    case .maximum: return FirnOps.maximum(self, reduced(.max))
    case .minimum: return FirnOps.minimum(self, reduced(.min))
    case .replacing:
      // Where none belongs, an empty row before all others is looked up.
      let last = indices.applying(LastPosition(size: shape[0])) + 1
      let nothing = Tensor.filled(
        0, type: TensorType(dtype, Shape([1] + shape.dropFirst())), in: graph)
      let rows = Graph.apply(Concat(axis: 0), to: [nothing, updates])[0].applying(Gather(axis: 0), last)
      let isTaken = greater(last, 0).withShape(Shape([shape[0]] + shape.dropFirst().map { _ in 1 }))
      return select(where: isTaken, rows, otherwise: self)
    }
  }
}

/// For `gatherElements` and its like: x as far as indices reach beside their axis, and where in its elements' order
/// they point; of `whole` where in those of all of x.
private func elementPlaces(
  _ what: String, _ x: Tensor, _ indices: Tensor, _ axis: Int, ofWhole whole: Bool = false
) -> (lines: Tensor, places: Tensor)? {
  func refuse(_ code: FirnError.Code, _ message: String, _ remedy: String, _ constraint: String) {
    _ = x.fault(
      code, "\(what): \(message)", remedy: remedy, constraint: constraint, operands: [x, indices],
      location: nil)
  }
  guard indices.dtype == .i32 else {
    refuse(.typeMismatch, "indices are \(indices.type), not i32", "cast them to i32", "C2")
    return nil
  }
  let others = x.shape.indices.filter { $0 != axis }
  guard indices.rank == x.rank, others.allSatisfy({ ((x.shape[$0] - indices.shape[$0]).value ?? 0) >= 0 })
  else {
    refuse(
      .shapeMismatch, "indices are \(indices.type) for \(x.type) along axis \(axis)",
      "give them x's axes, and larger extents nowhere but there", "C3")
    return nil
  }
  var shape = indices.shape
  shape[axis] = x.shape[axis]
  let lines =
    whole || shape == x.shape
    ? x : x.sliced(starts: x.shape.map { _ in 0 }, limits: shape.dimensions)
  guard (lines.shape.elementCount.value ?? 0) <= Int(Int32.max) else {
    refuse(.invalidArgument, "\(x.type) has more elements than an i32 counts", "use smaller arrays", "C4")
    return nil
  }
  // The place of the first element of a line, one axis after the other, by the strides of what is looked up in.
  func strided(_ counted: Tensor, _ axis: Int) -> Tensor {
    let stride = lines.shape[(axis + 1)...].reduce(Dim(1)) { $0 * $1 }
    return stride == 1 ? counted : counted * x.graph.extent(stride, dtype: .i32)
  }
  var places = strided(indices.countedFromStart(x.shape[axis]), axis)
  for other in others where indices.shape[other] != 1 {
    let spread = Shape(indices.shape.indices.map { $0 == other ? indices.shape[other] : 1 })
    places = places + strided(x.graph.iota(indices.shape[other]), other).withShape(spread)
  }
  return (lines, places)
}

/// For `gatherND` and `scatterND`: how many slices there are, of what shape, and which of them indices name.
private func slicePlaces(
  _ what: String, _ x: Tensor, _ indices: Tensor, _ batchAxes: Int
) -> (count: Dim, inner: [Dim], flat: Tensor)? {
  func refuse(_ code: FirnError.Code, _ message: String, _ remedy: String, _ constraint: String) {
    _ = x.fault(
      code, "\(what): \(message)", remedy: remedy, constraint: constraint, operands: [x, indices],
      location: nil)
  }
  guard indices.dtype == .i32 else {
    refuse(.typeMismatch, "indices are \(indices.type), not i32", "cast them to i32", "C1")
    return nil
  }
  guard (0..<Swift.max(indices.rank, 1)).contains(batchAxes), batchAxes <= x.rank,
    x.shape[..<batchAxes].elementsEqual(indices.shape[..<batchAxes])
  else {
    refuse(
      .shapeMismatch, "\(x.type) and \(indices.type) do not share \(batchAxes) first axes",
      "give both the same batch axes", "C3")
    return nil
  }
  guard let count = indices.shape.last?.value, count >= 1, batchAxes + count <= x.rank else {
    refuse(
      .shapeMismatch, "indices are \(indices.type) for \(x.type)",
      "end them in an axis of 1 to \(x.rank - Swift.min(batchAxes, x.rank)) indices", "C2")
    return nil
  }
  let sizes = Array(x.shape[batchAxes..<batchAxes + count])
  let inner = Array(x.shape[(batchAxes + count)...])
  var flat = indices.applying(FlatIndex(Shape(sizes)))
  if flat.isPoisoned { return nil }
  let places = sizes.reduce(Dim(1)) { $0 * $1 }
  let batch = x.shape[..<batchAxes].reduce(Dim(1)) { $0 * $1 }
  guard ((batch * places).value ?? 0) <= Int(Int32.max) else {
    refuse(.invalidArgument, "\(x.type) has more places than an i32 counts", "use smaller arrays", "C4")
    return nil
  }
  if batchAxes > 0 {
    let starts = x.graph.iota(batch) * x.graph.extent(places, dtype: .i32)
    let ones = [Dim](repeating: 1, count: flat.rank - batchAxes)
    flat = flat + starts.withShape(Shape(x.shape[..<batchAxes] + ones))
  }
  return (batch * places, inner, flat)
}

/// Whether updates fit; the fault (C5) is on record where they do not.
private func fits(
  _ what: String, _ x: Tensor, _ updates: Tensor, shape: Shape, _ reduction: ScatterReduction
) -> Bool {
  let isNumeric = x.dtype != .bool || reduction == .replacing
  if updates.type == TensorType(x.dtype, shape), isNumeric { return true }
  _ = x.fault(
    updates.dtype == x.dtype && isNumeric ? .shapeMismatch : .typeMismatch,
    "\(what): updates are \(updates.type), where \(TensorType(x.dtype, shape)) belongs"
      + (isNumeric ? "" : ", and truth values can only replace"),
    remedy: "give one update for each place, of x's element type", constraint: "C5", operands: [x, updates],
    location: nil)
  return false
}
