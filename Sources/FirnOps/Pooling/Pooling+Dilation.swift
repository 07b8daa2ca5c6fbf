internal import FirnGraph

extension Tensor {
  /// The means of windows with gaps, along the rows and then along the columns.
  func dilatedAverage(
    _ size: [Int], _ slide: SlidingWindow, countsPadding: Bool, roundsUp: Bool
  ) -> Tensor {
    var whole = slide
    var counts: [Int] = []
    do {
      try type.requireFloatingPoint("x", "C2")
      let (image, _) = try type.image("images")
      try requireElements(image: image)
      if roundsUp { whole.padToWholeWindows(of: size, on: image) }
      counts = try poolCounts(image: image, size: size, whole)
    } catch {
      return graph.report(error, operands: [self])
    }
    return (0..<2).reduce(self) { x, axis in
      let (low, high) = (slide.padding[2 * axis], whole.padding[2 * axis + 1])
      let (stride, gap) = (whole.strides[axis], whole.dilation[axis])
      let extent = shape[axis + 1].value ?? 0
      var (before, after) = ([Dim](repeating: 0, count: 4), [Dim](repeating: 0, count: 4))
      (before[axis + 1], after[axis + 1]) = (Dim(low), Dim(high))
      let padded = low + high == 0 ? x : x.padded(low: before, high: after)
      let taps = (0..<size[axis]).map { tap in
        padded.sliced(
          axis: axis + 1, from: Dim(tap * gap), to: Dim(tap * gap + (counts[axis] - 1) * stride + 1),
          by: stride)
      }
      // Beyond the padding asked for nothing counts, whatever `countsPadding` says.
      let counted = countsPadding ? -low..<extent + slide.padding[2 * axis + 1] : 0..<extent
      let shares = (0..<counts[axis]).map { window in
        let inside = (0..<size[axis]).count { counted.contains(window * stride - low + $0 * gap) }
        return inside == 0 ? 0 : 1 / Double(inside)
      }
      var spread = [Dim](repeating: 1, count: 4)
      spread[axis + 1] = Dim(counts[axis])
      let weights = graph.constant(NDArray(shares).converted(to: dtype)).withShape(Shape(spread))
      return taps.dropFirst().reduce(taps[0], +) * weights
    }
  }
}
