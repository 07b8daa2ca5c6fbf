/// How an axis is resampled: everything ONNX's `Resize` can be told of one.
public struct Resampling: Hashable, Sendable {
  /// What a result is made of.
  public enum Method: Hashable, Sendable {
    /// One element; of a place between two which.
    case nearest(Rounding = .halfDown)
    /// The two elements around.
    case linear
    /// The four elements around, by Keys's polynomials with this coefficient.
    case cubic(Double = -0.75)
  }

  /// To which element a place belongs.
  public enum Rounding: Hashable, Sendable {
    /// The nearest; of two as near the lower: ONNX's `round_prefer_floor`.
    case halfDown
    /// The nearest; of two as near the upper.
    case halfUp
    /// The lower.
    case down
    /// The upper.
    case up
  }

  /// Where result i is among the elements.
  public enum Positions: Hashable, Sendable {
    /// By the centres of elements: (i + ½) / scale - ½.
    case halfPixel
    /// As `halfPixel`, about the middle where the extent is no whole multiple.
    case halfPixelSymmetric
    /// As `halfPixel`; a single result is at the first element.
    case pyTorchHalfPixel
    /// By the first elements' beginnings: i / scale.
    case asymmetric
    /// The first and last elements stay where they are.
    case alignedCorners
    /// Between two places, as shares of the axis; what is beyond the axis is `beyond`.
    case cropped(from: Double, to: Double, beyond: Double = 0)
  }

  /// What a result is made of.
  public var method: Method
  /// Where results are among the elements.
  public var positions: Positions
  /// The number of results an element has: for nil the extents' quotient.
  public var scale: Double?
  /// Whether elements beyond the ends count for nothing, instead of being the end's.
  public var excludesOutside: Bool
  /// Whether an axis that shrinks is smoothed first.
  public var isAntialiased: Bool

  /// How an axis is resampled; without more, as ONNX and PyTorch do it.
  public init(
    _ method: Method, positions: Positions = .halfPixel, scale: Double? = nil,
    excludesOutside: Bool = false, isAntialiased: Bool = false
  ) {
    self.method = method
    self.positions = positions
    self.scale = scale
    self.excludesOutside = excludesOutside
    self.isAntialiased = isAntialiased
  }

  /// The elements a result is made of, with their weights; nil where it is beyond the axis.
  func taps(of i: Int, extent: Int, count: Int) -> [(element: Int, weight: Double)]? {
    let scale = scale ?? Double(count) / Double(extent)
    let at = position(i, extent, count, scale)
    if case .cropped = positions, at < 0 || at > Double(extent - 1) { return nil }
    func inside(_ element: Int) -> Int { Swift.min(Swift.max(element, 0), extent - 1) }
    let shrink = isAntialiased ? Swift.min(scale, 1) : 1
    let reach: Double
    let weight: (Double) -> Double
    switch method {
    case .nearest(let rounding): return [(inside(Self.rounded(at, rounding)), 1)]
    case .linear: (reach, weight) = (1, { Swift.max(0, 1 - abs($0)) })
    case .cubic(let a): (reach, weight) = (2, { Self.cubic(abs($0), a) })
    }
    let below = at.rounded(.down)
    let first = Int((-reach / shrink).rounded(.down)) + 1
    var taps = (first...1 - first).map { step in
      (element: Int(below) + step, weight: weight((Double(step) - (at - below)) * shrink))
    }
    if excludesOutside { taps.removeAll { !(0..<extent).contains($0.element) } }
    let total = excludesOutside || isAntialiased ? taps.reduce(0) { $0 + $1.weight } : 1
    return taps.filter { $0.weight != 0 }.map { (inside($0.element), $0.weight / total) }
  }

  private func position(_ i: Int, _ extent: Int, _ count: Int, _ scale: Double) -> Double {
    let half = (Double(i) + 0.5) / scale - 0.5
    switch positions {
    case .halfPixel: return half
    case .halfPixelSymmetric:
      return Double(extent) / 2 * (1 - Double(count) / (scale * Double(extent))) + half
    case .pyTorchHalfPixel: return count > 1 ? half : 0
    case .asymmetric: return Double(i) / scale
    case .alignedCorners: return count > 1 ? Double(i) * Double(extent - 1) / Double(count - 1) : 0
    case .cropped(let from, let to, _):
      let last = Double(extent - 1)
      return count > 1
        ? from * last + Double(i) * (to - from) * last / Double(count - 1) : 0.5 * (from + to) * last
    }
  }

  private static func rounded(_ at: Double, _ rounding: Rounding) -> Int {
    switch rounding {
    case .halfDown: Int((at - 0.5).rounded(.up))
    case .halfUp: Int((at + 0.5).rounded(.down))
    case .down: Int(at.rounded(.down))
    case .up: Int(at.rounded(.up))
    }
  }

  /// The weight of an element so far away (Keys, IEEE ASSP 29, 1981).
  private static func cubic(_ x: Double, _ a: Double) -> Double {
    if x >= 2 { return 0 }
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  }
}
