package import FirnGraph

/// What operators do to shapes before they add their own node; a node only where the shape is another.
extension Tensor {
  /// The same elements under `shape`; the tensor itself where it has that shape.
  func withShape(_ shape: Shape, location: CallSite? = nil) -> Tensor {
    isPoisoned || self.shape == shape ? self : applying(Reshape(shape), location: location)
  }

  /// Repeated to `shape`; the tensor itself where it has that shape.
  func repeated(to shape: Shape, location: CallSite? = nil) -> Tensor {
    isPoisoned || self.shape == shape ? self : applying(Broadcast(shape), location: location)
  }

  /// A tensor of this type, all of whose elements are `value`.
  package func filled(_ value: Double) -> Tensor { Tensor.filled(value, type: type, in: graph) }

  /// A tensor whose elements are all `value`.
  package static func filled(_ value: Double, type: TensorType, in graph: Graph) -> Tensor {
    graph.constant(value, dtype: type.dtype).repeated(to: type.shape)
  }

  /// With axes of extent one put in at `axes`, which are axes of the result.
  func inserting(_ axes: [Int], location: CallSite? = nil) -> Tensor {
    if isPoisoned { return self }
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
  _ what: String, _ a: Tensor, _ b: Tensor, _ left: Shape, _ right: Shape, constraint: String = "C1",
  location: CallSite?
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
        remedy: "make the extents equal or one of them 1", constraint: constraint, operands: [a, b],
        location: location)
      return nil
    }
    result.append(x == 1 ? y : x)
  }
  return Shape(result)
}
