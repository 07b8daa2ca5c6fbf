public import FirnGraph

/// What is beside an image that is sampled.
public enum GridPadding: Hashable, Sendable {
  /// Zeros.
  case zeros
  /// The nearest element of the image.
  case border
  /// The image, mirrored at its edges as often as it takes.
  case reflection
}

/// Images looked up at places of a grid, between elements: PyTorch's `grid_sample`.
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, height, width, channels], `f32` or `f64` |
/// | grid | as x, [batch, rows, columns, 2]: across and down, each in -1...1 from end to end |
/// | result | [batch, rows, columns, channels] |
///
/// Gradients pass to x and, of places between elements, to the grid.
///
/// Jaderberg and others, "Spatial Transformer Networks", 2015, equation 3.
///
/// Constraints: (C1) both have four axes, and the grid ends in two; (C2) they are of one floating point type; (C3) the
/// batches are equal; (C4) height and width are numbers, and not 0.
///
/// - Parameters:
///   - x: the images.
///   - grid: where to look.
///   - isNearest: takes the nearest element instead of the four around.
///   - padding: what is beside the image.
///   - alignsCorners: whether -1 and 1 are the centres of the elements at the ends, or their outer edges.
/// - Complexity: 8 FLOPs for each element of the result, and about 40 for each place.
public func gridSample(
  _ x: Tensor, at grid: Tensor, isNearest: Bool = false, padding: GridPadding = .zeros,
  alignsCorners: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned || grid.isPoisoned { return .poisoned(in: x.graph) }
  func refuse(_ code: FirnError.Code, _ remedy: String, _ constraint: String) -> Tensor {
    x.fault(
      code, "gridSample: images \(x.type) at \(grid.type)", remedy: remedy, constraint: constraint,
      operands: [x, grid], location: CallSite(file, line))
  }
  guard x.rank == 4, grid.rank == 4, grid.shape[3] == 2 else {
    return refuse(.shapeMismatch, "give [batch, height, width, channels] and [batch, rows, columns, 2]", "C1")
  }
  guard x.dtype.isFloatingPoint, grid.dtype == x.dtype else {
    return refuse(.typeMismatch, "cast both to f32", "C2")
  }
  guard x.shape[0] == grid.shape[0] else { return refuse(.shapeMismatch, "give a grid for each image", "C3") }
  guard let height = x.shape[1].value, let width = x.shape[2].value, height > 0, width > 0 else {
    return refuse(.shapeMismatch, "give height and width as numbers", "C4")
  }
  return x.graph.at(CallSite(file, line)) {
    let places = grid.unstacked(axis: 3)
    guard places.count == 2 else { return .poisoned(in: x.graph) }
    let axes = [height, width].enumerated().map {
      SampledAxis(places[1 - $0], $1, isNearest: isNearest, padding, alignsCorners: alignsCorners)
    }
    let rows = x.withShape([x.shape[0] * Dim(height * width), x.shape[3]])
    let image = x.graph.iota(x.shape[0]).withShape([x.shape[0], 1, 1]) * Double(height * width)
    let parts = axes[0].taps.flatMap { down in
      axes[1].taps.map { across in
        let index = image + down.element * Double(width) + across.element
        let part = rows.applying(Gather(axis: 0), index)
        return part * (down.weight * across.weight).inserting([3])
      }
    }
    return parts.dropFirst().reduce(parts[0], +)
  }
}

/// Places along one axis as elements beside them, and what each weighs.
private struct SampledAxis {
  let taps: [(element: Tensor, weight: Tensor)]

  init(_ place: Tensor, _ size: Int, isNearest: Bool, _ padding: GridPadding, alignsCorners: Bool) {
    let last = Double(size - 1)
    var at = alignsCorners ? (place + 1) * (last / 2) : ((place + 1) * Double(size) - 1) / 2
    switch padding {
    case .zeros: break
    case .border: at = clamp(at, min: 0, max: last)
    case .reflection:
      let (low, span) = alignsCorners ? (0, last) : (-0.5, Double(size))
      if span > 0 {
        let distance = abs(at - low)
        let rest = truncatingRemainder(distance, distance.filled(span))
        let turns = floor(distance / span)
        let isMirror = notEqual(truncatingRemainder(turns, turns.filled(2)), 0)
        at = select(where: isMirror, span - rest, otherwise: rest) + low
      }
      at = clamp(at, min: 0, max: last)
    }
    let first = isNearest ? round(at) : floor(at)
    let rest = at - first
    let weights = isNearest ? [at.filled(1)] : [1 - rest, rest]
    taps = weights.enumerated().map { step, weight in
      let element = step == 0 ? first : first + 1
      let isInside = logicalAnd(greaterEqual(element, 0), lessEqual(element, last))
      return (
        clamp(element, min: 0, max: last).cast(to: .i32),
        select(where: isInside, weight, otherwise: weight.filled(0))
      )
    }
  }
}
