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
/// | x | [batch, height, width, channels], `f32` or `f64`; of volumes a depth before the height |
/// | grid | as x, [batch, rows, columns, 2]: across and down, each in -1...1 from end to end; of volumes 3 numbers a place |
/// | result | [batch, rows, columns, channels] |
///
/// Gradients pass to x and, of places between elements, to the grid.
///
/// Jaderberg and others, "Spatial Transformer Networks", 2015, equation 3.
///
/// Constraints: (C1) both have four axes or both five, and the grid ends in two or three; (C2) they are of one floating
/// point type; (C3) the batches are equal; (C4) the extents of the image are numbers, and not 0; (C5) `isNearest` and
/// `isCubic` exclude each other; (C6) the images have together less than 2³¹ places, as far as the batch is a number.
///
/// - Parameters:
///   - x: the images.
///   - grid: where to look.
///   - isNearest: takes the nearest element instead of the two around along each axis.
///   - isCubic: takes four along each axis, by Keys's polynomials with -¾; what is beside the image is found tap by tap.
///   - padding: what is beside the image.
///   - alignsCorners: whether -1 and 1 are the centres of the elements at the ends, or their outer edges.
/// - Complexity: 2 FLOPs for each element of the result and tap, of which there are 4 in an image, 16 of cubic ones, and
///   about 40 for each place.
public func gridSample(
  _ x: Tensor, at grid: Tensor, isNearest: Bool = false, isCubic: Bool = false, padding: GridPadding = .zeros,
  alignsCorners: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned || grid.isPoisoned { return .poisoned(in: x.graph) }
  func refuse(_ code: FirnError.Code, _ remedy: String, _ constraint: String) -> Tensor {
    x.fault(
      code, "gridSample: images \(x.type) at \(grid.type)", remedy: remedy, constraint: constraint,
      operands: [x, grid], location: CallSite(file, line))
  }
  let last = grid.rank - 1
  guard (4...5).contains(x.rank), grid.rank == x.rank, grid.shape[last] == Dim(x.rank - 2) else {
    return refuse(.shapeMismatch, "give [batch, height, width, channels] and [batch, rows, columns, 2]", "C1")
  }
  guard x.dtype.isFloatingPoint, grid.dtype == x.dtype else {
    return refuse(.typeMismatch, "cast both to f32", "C2")
  }
  guard x.shape[0] == grid.shape[0] else { return refuse(.shapeMismatch, "give a grid for each image", "C3") }
  let sizes = x.shape[1..<last].compactMap(\.value)
  guard sizes.count == last - 1, sizes.allSatisfy({ $0 > 0 }) else {
    return refuse(.shapeMismatch, "give height and width as numbers", "C4")
  }
  guard !isNearest || !isCubic else { return refuse(.invalidArgument, "choose one of the two", "C5") }
  var (places, isBeyond) = (x.shape[0].value ?? 1, false)
  for size in sizes where !isBeyond { (places, isBeyond) = places.multipliedReportingOverflow(by: size) }
  guard !isBeyond, places <= Int(Int32.max) else {
    return refuse(.shapeMismatch, "sample fewer images at once: places are counted in i32", "C6")
  }
  return x.graph.at(CallSite(file, line)) {
    let places = grid.unstacked(axis: last)
    guard places.count == sizes.count else { return .poisoned(in: x.graph) }
    let method: SampledAxis.Method = isNearest ? .nearest : isCubic ? .cubic : .linear
    let axes = sizes.enumerated().map {
      SampledAxis(places[sizes.count - 1 - $0], $1, method, padding, alignsCorners: alignsCorners)
    }
    let count = sizes.reduce(1, *)
    let rows = x.withShape([x.shape[0] * Dim(count), x.shape[last]])
    let first = [x.shape[0]] + [Dim](repeating: 1, count: sizes.count)
    var taps: [SampledAxis.Tap] = [(x.graph.iota(x.shape[0]).withShape(Shape(first)), nil)]
    for (axis, size) in zip(axes, sizes) {
      taps = taps.flatMap { outer in
        axis.taps.map { tap in
          let weight = tap.weight.map { own in outer.weight.map { $0 * own } ?? own } ?? outer.weight
          return (outer.element * Double(size) + tap.element, weight)
        }
      }
    }
    let parts = taps.map { tap in
      let part = rows.applying(Gather(axis: 0), tap.element)
      return tap.weight.map { part * $0.inserting([last]) } ?? part
    }
    return parts.dropFirst().reduce(parts[0], +)
  }
}

/// Places along one axis as elements beside them, and what each weighs.
private struct SampledAxis {
  enum Method { case nearest, linear, cubic }
  typealias Tap = (element: Tensor, weight: Tensor?)

  let taps: [Tap]

  init(_ place: Tensor, _ size: Int, _ method: Method, _ padding: GridPadding, alignsCorners: Bool) {
    let last = Double(size - 1)
    let at = alignsCorners ? (place + 1) * (last / 2) : ((place + 1) * Double(size) - 1) / 2
    /// A place that is in the image, or what stands for it there.
    func inside(_ at: Tensor) -> Tensor {
      switch padding {
      case .zeros: return at
      case .border: return clamp(at, min: 0, max: last)
      case .reflection:
        let (low, span) = alignsCorners ? (0, last) : (-0.5, Double(size))
        guard span > 0 else { return clamp(at, min: 0, max: last) }
        let distance = abs(at - low)
        let rest = truncatingRemainder(distance, distance.filled(span))
        let turns = floor(distance / span)
        let isMirror = notEqual(truncatingRemainder(turns, turns.filled(2)), 0)
        return clamp(select(where: isMirror, span - rest, otherwise: rest) + low, min: 0, max: last)
      }
    }
    // Of four elements some may be beside the image where the place is not.
    let start = method == .cubic ? at : inside(at)
    let first = method == .nearest ? round(start) : floor(start)
    let rest = start - first
    let weights: [Tensor]
    switch method {
    case .nearest: weights = [at.filled(1)]
    case .linear: weights = [1 - rest, rest]
    case .cubic: weights = Self.cubic(rest)
    }
    taps = weights.enumerated().map { step, weight in
      let offset = Double(step - (method == .cubic ? 1 : 0))
      let element = offset == 0 ? first : first + offset
      let own = method == .cubic ? inside(element) : element
      let isInside = logicalAnd(greaterEqual(own, 0), lessEqual(own, last))
      return (
        clamp(own, min: 0, max: last).cast(to: .i32),
        select(where: isInside, weight, otherwise: weight.filled(0))
      )
    }
  }

  /// The weights of the element before, the two around and the one behind a place (Keys, IEEE ASSP 29, 1981).
  private static func cubic(_ rest: Tensor) -> [Tensor] {
    func near(_ x: Tensor) -> Tensor { (1.25 * x - 2.25) * x * x + 1 }
    func far(_ x: Tensor) -> Tensor { ((-0.75 * x + 3.75) * x - 6) * x + 3 }
    return [far(rest + 1), near(rest), near(1 - rest), far(2 - rest)]
  }
}
