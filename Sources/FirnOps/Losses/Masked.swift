public import FirnGraph

/// The mean of the elements a mask lets count; 0, with gradient 0, where it lets none.
///
/// | operand | type |
/// | --- | --- |
/// | x | `f32` or `f64` |
/// | mask | `bool`, of a shape that broadcasts to x's: true where an element counts |
///
/// What is masked reaches neither value nor gradient, also if it is NaN.
///
/// Constraints: (C1) the mask broadcasts to x; (C2) `axes` are axes, each named once; (C3) the mask is `bool`, x
/// floating point.
///
/// - Parameters:
///   - x: what the mean is of.
///   - mask: what counts.
///   - axes: nil for all of them; negative ones count from the end.
///   - keepingAxes: leaves them in the result with extent 1.
/// - Complexity: 4 FLOPs an element.
public func maskedMean(
  _ x: Tensor, mask: Tensor, axes: [Int]? = nil, keepingAxes: Bool = false, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  guard let mask = x.mask(mask, "maskedMean", CallSite(file, line)) else { return .poisoned(in: x.graph) }
  return x.composing(file, line) { x in
    let sum = select(where: mask, x, otherwise: x.filled(0)).sum(axes: axes, keepingAxes: keepingAxes)
    let count = mask.cast(to: x.dtype).sum(axes: axes, keepingAxes: keepingAxes)
    return sum.isPoisoned ? sum : sum / maximum(count, 1)
  }
}

/// The softmax along an axis of the elements a mask lets count, and 0 for the others; all 0, with gradient 0, where it
/// lets none.
///
/// | operand | type |
/// | --- | --- |
/// | x | `f32` or `f64` |
/// | mask | `bool`, of a shape that broadcasts to x's: true where an element counts |
/// | result | as x |
///
/// What is masked reaches neither value nor gradient, also if it is NaN. Without it a row of -∞ would be NaN.
///
/// Constraints: (C1) the mask broadcasts to x; (C2) `axis`, which counts from the end where negative, is one of x's;
/// (C3) the mask is `bool`, x floating point.
///
/// - Complexity: 10 FLOPs an element.
public func maskedSoftmax(
  _ x: Tensor, mask: Tensor, axis: Int = -1, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard let mask = x.mask(mask, "maskedSoftmax", location),
    let axis = x.axis(axis, "maskedSoftmax", constraint: "C2", location: location)
  else { return .poisoned(in: x.graph) }
  return x.composing(file, line) { x in
    let zero = x.filled(0)
    let greatest = select(where: mask, x.stoppedInFormula(), otherwise: x.filled(-.infinity))
      .max(axes: [axis], keepingAxes: true)
    if greatest.isPoisoned { return greatest }
    let shift = select(where: equal(greatest, -.infinity), greatest.filled(0), otherwise: greatest)
    // What is masked is 0 before its exponential, so that no product of 0 and infinity is in the gradient.
    let weights = select(where: mask, exp(select(where: mask, x - shift, otherwise: zero)), otherwise: zero)
    let sum = weights.sum(axes: [axis], keepingAxes: true)
    return weights / select(where: equal(sum, 0), sum.filled(1), otherwise: sum)
  }
}

extension Tensor {
  /// `mask` with this tensor's shape; nil, with the fault on record, where it has another type or does not broadcast.
  fileprivate func mask(_ mask: Tensor, _ what: String, _ location: CallSite) -> Tensor? {
    if isPoisoned || mask.isPoisoned { return nil }
    guard mask.dtype == .bool, dtype.isFloatingPoint else {
      _ = fault(
        .typeMismatch, "\(what): the mask is \(mask.type), x \(type)",
        remedy: "give a bool mask of floating point values", constraint: "C3", operands: [self, mask],
        location: location)
      return nil
    }
    guard let shape = broadcastShape(what, self, mask, self.shape, mask.shape, location: location) else {
      return nil
    }
    guard shape == self.shape else {
      _ = fault(
        .shapeMismatch, "\(what): the mask \(mask.shape) has more axes or larger ones than \(self.shape)",
        remedy: "broadcast x first", constraint: "C1", operands: [self, mask], location: location)
      return nil
    }
    return mask.repeated(to: shape, location: location)
  }
}
