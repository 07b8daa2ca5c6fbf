public import FirnGraph

extension Tensor {
  /// Surrounded along each axis, `low` times before and `high` times after the elements, as `mode` says.
  ///
  /// PyTorch's `F.pad`, NumPy's `pad`. The axes are padded one after the other, so that corners are filled too;
  /// reflected and wrapped elements repeat as often as it takes. The gradient adds up what was repeated.
  ///
  /// Constraints: (C1) one low and one high for each axis; (C2) where they are numbers, none is negative; (C3) an axis
  /// that is padded otherwise than by a value is not empty, and reflected or wrapped by a named extent, or along an
  /// axis of a named one, at most once around.
  ///
  /// - Parameters:
  ///   - low: how many before, axis by axis.
  ///   - high: how many after, axis by axis.
  ///   - mode: what stands there.
  /// - Complexity: no FLOPs; for each axis padded x read, the result written once.
  public func padded(
    low: [Dim], high: [Dim], mode: PaddingMode, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    if case .constant(let value) = mode {
      return padded(low: low, high: high, value: value, file: file, line: line)
    }
    let location = CallSite(file, line)
    if isPoisoned { return self }
    guard low.count == rank, high.count == rank else {
      return fault(
        .invalidArgument, "pad: \(low.count) low and \(high.count) high paddings for \(type)",
        remedy: "give one of each for every axis", constraint: "C1", location: location)
    }
    guard (low + high).allSatisfy({ ($0.value ?? 0) >= 0 }) else {
      return fault(
        .invalidArgument, "pad: padding \(low) and \(high)", remedy: "use a slice to cut off elements",
        constraint: "C2", location: location)
    }
    return graph.at(location) {
      (0..<rank).reduce(self) { x, axis in
        low[axis] == 0 && high[axis] == 0 ? x : x.extended(axis, low[axis], high[axis], mode)
      }
    }
  }

  private func extended(_ axis: Int, _ low: Dim, _ high: Dim, _ mode: PaddingMode) -> Tensor {
    if isPoisoned { return self }
    if shape[axis] == 0 {
      return fault(
        .shapeMismatch, "pad: axis \(axis) of \(type) is empty", remedy: "pad it with a value",
        constraint: "C3", location: nil)
    }
    var (before, after): ([Tensor], [Tensor]) = ([], [])
    switch mode {
    case .constant: firnBug("pad", "a value is padded by an op")
    case .edge: (before, after) = (edge(axis, 0, low), edge(axis, shape[axis] - 1, high))
    // Of one element the mirror shows itself.
    case .reflect where shape[axis] == 1: (before, after) = (edge(axis, 0, low), edge(axis, 0, high))
    case .reflect:
      let reach = shape[axis] - 1
      let mirrored = applying(Reverse([axis]))
      // The elements and their mirror image alternate, each without the one it shares with its neighbour.
      before = alternating(low, reach) { isMirror, count in
        let from = isMirror ? mirrored : self
        return from.sliced(axis: axis, from: reach - count, to: reach)
      }.reversed()
      after = alternating(high, reach) { isMirror, count in
        (isMirror ? mirrored : self).sliced(axis: axis, from: 1, to: count + 1)
      }
    case .wrap:
      let extent = shape[axis]
      before = alternating(low, extent) { _, count in sliced(axis: axis, from: extent - count, to: extent) }
        .reversed()
      after = alternating(high, extent) { _, count in sliced(axis: axis, from: 0, to: count) }
    }
    return concatenate(before + [self] + after, axis: axis)
  }

  /// One element of the axis, so many times.
  private func edge(_ axis: Int, _ at: Dim, _ count: Dim) -> [Tensor] {
    if count == 0 { return [] }
    var wide = shape
    wide[axis] = count
    return [sliced(axis: axis, from: at, to: at + 1).repeated(to: wide)]
  }

  /// Parts of at most `reach` that make up `total`, by turns; a single one where either has a name.
  private func alternating(
    _ total: Dim, _ reach: Dim, _ part: (_ isMirror: Bool, _ count: Dim) -> Tensor
  ) -> [Tensor] {
    if total == 0 { return [] }
    guard let total = total.value, let reach = reach.value else { return [part(true, total)] }
    var (parts, left, isMirror): ([Tensor], Int, Bool) = ([], total, true)
    while left > 0 {
      parts.append(part(isMirror, Dim(Swift.min(left, reach))))
      left -= reach
      isMirror.toggle()
    }
    return parts
  }
}
