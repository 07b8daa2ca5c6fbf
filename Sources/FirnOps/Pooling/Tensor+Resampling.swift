public import FirnGraph

extension Tensor {
  /// One axis at another extent, as `rule` says: ONNX's `Resize`, axis by axis.
  ///
  /// The few elements each result is made of are looked up and weighted, so that every rule has its gradient; `resize`
  /// is faster for the images it knows.
  ///
  /// Constraints: (C1) x is floating point, or the method `nearest`; (C2) `axis` is one of its axes, of an extent that
  /// is a number and not 0; (C3) `count` is in 1...2²⁴, and a scale is positive.
  ///
  /// - Parameters:
  ///   - axis: counts from the end where negative.
  ///   - count: its extent in the result.
  ///   - rule: what results are made of.
  /// - Complexity: 2 FLOPs for each result and element it is made of: one, two, four, or more where smoothed.
  public func resampled(
    axis: Int, to count: Int, _ rule: Resampling, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let location = CallSite(file, line)
    guard let axis = self.axis(axis, "resampled", constraint: "C2", location: location) else {
      return .poisoned(in: graph)
    }
    var isNearest = false
    if case .nearest = rule.method { isNearest = true }
    var isCropped = false
    if case .cropped = rule.positions { isCropped = true }
    guard dtype.isFloatingPoint || isNearest && !isCropped else {
      return fault(
        .typeMismatch, "resampled: \(type) is not floating point", remedy: "cast it to f32", constraint: "C1",
        location: location)
    }
    guard let extent = shape[axis].value, extent >= 1 else {
      return fault(
        .shapeMismatch, "resampled: axis \(axis) of \(type) has extent \(shape[axis])",
        remedy: "give it an extent of at least 1, as a number", constraint: "C2", location: location)
    }
    guard (1...1 << 24).contains(count), rule.scale.map({ $0 > 0 && $0.isFinite }) ?? true else {
      return fault(
        .invalidArgument, "resampled: \(count) of \(extent), with a scale of \(rule.scale ?? 0)",
        remedy: "give a positive extent and scale", constraint: "C3", location: location)
    }
    return composing(file, line) { x in
      let taps = (0..<count).map { rule.taps(of: $0, extent: extent, count: count) }
      let most = taps.map { $0?.count ?? 0 }.max() ?? 0
      var spread = [Dim](repeating: 1, count: rank)
      spread[axis] = Dim(count)
      func along(_ numbers: NDArray) -> Tensor { graph.constant(numbers).withShape(Shape(spread)) }
      let parts = (0..<most).map { tap in
        // A result of fewer elements reads its first again, for nothing.
        let chosen: [(element: Int, weight: Double)] = taps.map { row in
          guard let row else { return (0, 0) }
          return row.indices.contains(tap) ? row[tap] : (row[0].element, 0)
        }
        let elements = graph.constant(NDArray(chosen.map { Int32($0.element) }))
        let part = x.applying(Gather(axis: axis), elements)
        let weights = chosen.map(\.weight)
        return weights.allSatisfy { $0 == 1 } ? part : part * along(NDArray(weights).converted(to: dtype))
      }
      var size = shape
      size[axis] = Dim(count)
      let sum =
        parts.dropFirst().reduce(parts.first, { sum, part in sum.map { $0 + part } })
        ?? Tensor.filled(0, type: TensorType(dtype, size), in: graph)
      guard case .cropped(_, _, let beyond) = rule.positions, beyond != 0, taps.contains(where: { $0 == nil })
      else {
        return sum
      }
      return sum + along(NDArray(taps.map { $0 == nil ? beyond : 0 }).converted(to: dtype))
    }
  }
}
