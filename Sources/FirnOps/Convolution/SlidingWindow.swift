internal import FirnGraph

/// How windows slide along the two axes of an image: what convolutions and pools have in common.
package struct SlidingWindow: Hashable, Sendable {
  /// Down and across.
  package var strides: [Int]
  /// Top, bottom, left, right.
  package var padding: [Int]
  /// From one tap of a window to the next, down and across.
  package var dilation: [Int]

  package init(strides: [Int] = [1, 1], padding: [Int] = [0, 0, 0, 0], dilation: [Int] = [1, 1]) {
    self.strides = strides
    self.padding = padding
    self.dilation = dilation
  }

  /// Extents and attributes stay below it, so that no sum or product of them overflows.
  static let limit = 1 << 30

  /// - Throws: `C3` unless the numbers make sense by themselves.
  func require() throws(FirnError) {
    try FirnOps.require(
      strides.count == 2 && strides.allSatisfy((1...Self.limit).contains)
        && dilation.count == 2 && dilation.allSatisfy((1...Self.limit).contains), "C3", .invalidArgument,
      "strides \(strides) and dilation \(dilation) are not two positive numbers each",
      remedy: "give one for the height and one for the width")
    try FirnOps.require(
      padding.count == 4 && padding.allSatisfy((0...Self.limit).contains), "C3", .invalidArgument,
      "padding \(padding) is not four numbers that are not negative",
      remedy: "give top, bottom, left and right; cut an image by slicing")
  }

  /// What windows of `taps` taps span, gaps included.
  func span(_ taps: Int, _ axis: Int) -> Int { (taps - 1) * dilation[axis] + 1 }

  /// Pads at the bottom and right until every window that begins inside the image, or in the padding before it, is
  /// whole.
  ///
  /// What does not make sense by itself is left for the op to report.
  mutating func padToWholeWindows(of taps: [Int], on image: [Int]) {
    guard (try? require()) != nil, taps.allSatisfy((1...Self.limit).contains) else { return }
    for axis in 0..<2 {
      let (low, high) = (padding[2 * axis], padding[2 * axis + 1])
      let rest = image[axis] + low + high - span(taps[axis], axis)
      // An image a little smaller than a window has one too, as in PyTorch.
      let missing = (strides[axis] - rest % strides[axis]) % strides[axis]
      let begin = rest + missing
      if (0..<image[axis] + low).contains(begin) { padding[2 * axis + 1] += missing }
    }
  }

  /// The number of windows along both axes.
  ///
  /// - Parameter reach: how far padding may go, for a window of a span.
  /// - Throws: `C7` where padding reaches beyond a window, `C8` where the image is smaller than one.
  func counts(
    image: [Int], taps: [Int], padding reach: (Int) -> Int = { $0 }
  ) throws(FirnError) -> [Int] {
    var counts: [Int] = []
    for (axis, name) in ["high", "wide"].enumerated() {
      let span = span(taps[axis], axis)
      let (low, high) = (padding[2 * axis], padding[2 * axis + 1])
      let most = reach(span)
      try FirnOps.require(
        low <= most && high <= most, "C7", .invalidArgument,
        "padding \(low) and \(high) for windows \(span) \(name)\(dilation[axis] > 1 ? " with their gaps" : "")",
        remedy: "pad by at most \(most) on each side")
      let padded = image[axis] + low + high
      try FirnOps.require(
        padded >= span, "C8", .shapeMismatch,
        "the image is \(padded) \(name)\(low + high > 0 ? " with its padding" : ""), the window \(span)",
        remedy: "feed larger images, pad more, or use fewer or smaller windows before this one")
      counts.append((padded - span) / strides[axis] + 1)
    }
    return counts
  }
}

extension TensorType {
  /// Height, width and channels of a stack of images.
  ///
  /// - Throws: `C1` unless there are four axes, `C4` unless the last three are numbers.
  func image(_ what: String) throws(FirnError) -> (size: [Int], channels: Int) {
    let extents = try numbers(1..<4, "\(what) [batch, height, width, channels]")
    return (Array(extents[..<2]), extents[2])
  }

  /// The extents of `axes` as numbers; all other axes may be named.
  func numbers(_ axes: Range<Int>, _ what: String) throws(FirnError) -> [Int] {
    try require(
      shape.rank == 4, "C1", .shapeMismatch, "\(self) is not \(what)", remedy: "reshape it to four axes")
    let numbers = shape[axes].compactMap(\.value)
    try require(
      numbers.count == axes.count, "C4", .shapeMismatch, "\(self) has a named extent that must be a number",
      remedy: "only the batch of \(what) can be named")
    try require(
      numbers.allSatisfy((0...SlidingWindow.limit).contains), "C4", .shapeMismatch,
      "\(self) has an extent above \(SlidingWindow.limit)", remedy: "use smaller images")
    return numbers
  }
}
