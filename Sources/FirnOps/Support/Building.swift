package import FirnGraph

/// What the functions a user calls are made of. None of it traps: faults go on record and yield poison.
extension Tensor {
  /// The only result of `op` on this tensor and `others`.
  func applying(_ op: any Op, _ others: Tensor..., location: CallSite? = nil) -> Tensor {
    Graph.apply(op, to: [self] + others, location: location)[0]
  }

  /// Records a fault of an expression whose first operand is this tensor.
  func fault(
    _ code: FirnError.Code, _ message: String, remedy: String?, constraint: String? = nil,
    operands: [Tensor]? = nil, location: CallSite?
  ) -> Tensor {
    graph.report(
      FirnError(code, message, remedy: remedy, constraint: constraint), operands: operands ?? [self],
      location: location)
  }

  /// `axis` counted from the start; nil, with the fault on record, where there is none such.
  func axis(_ axis: Int, _ what: String, extra: Int = 0, location: CallSite?) -> Int? {
    if isPoisoned { return nil }
    let count = rank + extra
    let positive = axis < 0 ? axis + count : axis
    if (0..<count).contains(positive) { return positive }
    _ = fault(
      .invalidArgument, "\(what): axis \(axis) is outside \(-count)..<\(count) of \(type)",
      remedy: count == 0 ? "a scalar has no axes" : "choose one of its \(count) axes", location: location)
    return nil
  }

  /// `axes` counted from the start, sorted; all of them for nil.
  func axes(_ axes: [Int]?, _ what: String, location: CallSite?) -> [Int]? {
    if isPoisoned { return nil }
    guard let axes else { return Array(0..<rank) }
    var result: [Int] = []
    for axis in axes {
      guard let axis = self.axis(axis, what, location: location) else { return nil }
      if result.contains(axis) {
        _ = fault(
          .invalidArgument, "\(what): axes \(axes) name axis \(axis) twice", remedy: "name each axis once",
          location: location)
        return nil
      }
      result.append(axis)
    }
    return result.sorted()
  }

  /// The same elements under `shape`; the tensor itself where it has that shape.
  func withShape(_ shape: Shape, location: CallSite? = nil) -> Tensor {
    isPoisoned || self.shape == shape ? self : applying(Reshape(shape), location: location)
  }

  /// Repeated to `shape`; the tensor itself where it has that shape.
  func repeated(to shape: Shape, location: CallSite? = nil) -> Tensor {
    isPoisoned || self.shape == shape ? self : applying(Broadcast(shape), location: location)
  }

  /// A tensor of this type, all of whose elements are `value`.
  func filled(_ value: Double) -> Tensor { Tensor.filled(value, type: type, in: graph) }

  /// A tensor whose elements are all `value`.
  package static func filled(_ value: Double, type: TensorType, in graph: Graph) -> Tensor {
    graph.constant(value, dtype: type.dtype).repeated(to: type.shape)
  }

  /// With axes of extent one put in at `axes`, which are axes of the result.
  func inserting(_ axes: [Int], location: CallSite? = nil) -> Tensor {
    var dimensions = shape.dimensions
    for axis in axes { dimensions.insert(1, at: axis) }
    return withShape(Shape(dimensions), location: location)
  }

  func permuted(_ permutation: [Int], location: CallSite? = nil) -> Tensor {
    isPoisoned || permutation == Array(0..<rank)
      ? self : applying(Transpose(permutation), location: location)
  }
}

/// Both operands with one shape, by NumPy's rules; nil where one is faulty or, with the fault on record, where they
/// do not fit.
func aligned(_ what: String, _ a: Tensor, _ b: Tensor, location: CallSite?) -> (Tensor, Tensor)? {
  if a.isPoisoned || b.isPoisoned { return nil }
  guard a.dtype == b.dtype else {
    _ = a.fault(
      .typeMismatch, "\(what): \(a.type) and \(b.type) have different element types",
      remedy: "cast one: x.cast(to: .\(a.dtype.isFloatingPoint ? a.dtype : b.dtype))", constraint: "C2",
      operands: [a, b], location: location)
    return nil
  }
  guard let shape = broadcastShape(what, a, b, a.shape, b.shape, location: location) else { return nil }
  return (a.repeated(to: shape, location: location), b.repeated(to: shape, location: location))
}

/// The shape both of two shapes broadcast to; nil, with the fault on record, where there is none.
func broadcastShape(
  _ what: String, _ a: Tensor, _ b: Tensor, _ left: Shape, _ right: Shape, location: CallSite?
) -> Shape? {
  if left == right { return left }
  let rank = Swift.max(left.rank, right.rank)
  var result: [Dim] = []
  for axis in 0..<rank {
    let (i, j) = (axis - rank + left.rank, axis - rank + right.rank)
    let (x, y) = (i < 0 ? 1 : left[i], j < 0 ? 1 : right[j])
    guard x == y || x == 1 || y == 1 else {
      _ = a.fault(
        .shapeMismatch,
        "\(what): shapes \(a.shape) and \(b.shape) do not broadcast: axis \(axis - rank) is \(x) and \(y)",
        remedy: "make the extents equal or one of them 1", constraint: "C1", operands: [a, b],
        location: location)
      return nil
    }
    result.append(x == 1 ? y : x)
  }
  return Shape(result)
}
