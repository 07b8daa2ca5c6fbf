internal import FirnGraph

/// Which elements of an axis a result is made of, and with what weights.
package enum ResampleRule: Hashable, Sendable {
  /// Windows slide; the mean is over all of a window, or over what of it is inside the image.
  case average(size: [Int], strides: [Int], padding: [Int], countsPadding: Bool)
  /// Result i of m is the mean of elements ⌊i n / m⌋ to ⌈(i + 1) n / m⌉, the second not included.
  case adaptiveAverage(size: [Int])
  /// Result i of m is element ⌊i n / m⌋.
  case nearest(size: [Int])
  /// Result i of m is at (i + ½) n / m - ½, at least 0, between two elements; or, with corners aligned, at
  /// i (n - 1) / (m - 1).
  case bilinear(size: [Int], alignsCorners: Bool)
  /// As `bilinear`, of the four elements around by Keys's polynomials with a = -¾; beside the image is its border,
  /// repeated.
  case bicubic(size: [Int], alignsCorners: Bool)

  static let names = [
    "average_pool2d", "adaptive_average_pool2d", "upsample_nearest2d", "upsample_bilinear2d",
    "upsample_bicubic2d",
  ]

  var name: String {
    switch self {
    case .average: Self.names[0]
    case .adaptiveAverage: Self.names[1]
    case .nearest: Self.names[2]
    case .bilinear: Self.names[3]
    case .bicubic: Self.names[4]
    }
  }

  var attributes: Attributes {
    switch self {
    case .average(let size, let strides, let padding, let countsPadding):
      [
        "size": .ints(size), "strides": .ints(strides), "padding": .ints(padding),
        "counts_padding": .bool(countsPadding),
      ]
    case .adaptiveAverage(let size), .nearest(let size): ["size": .ints(size)]
    case .bilinear(let size, let alignsCorners), .bicubic(let size, let alignsCorners):
      ["size": .ints(size), "aligns_corners": .bool(alignsCorners)]
    }
  }

  init(name: String, _ attributes: Attributes) throws(FirnError) {
    let size = try attributes.ints("size")
    switch name {
    case Self.names[0]:
      self = .average(
        size: size, strides: try attributes.ints("strides"), padding: try attributes.ints("padding"),
        countsPadding: try attributes.bool("counts_padding"))
    case Self.names[1]: self = .adaptiveAverage(size: size)
    case Self.names[2]: self = .nearest(size: size)
    case Self.names[3]: self = .bilinear(size: size, alignsCorners: try attributes.bool("aligns_corners"))
    case Self.names[4]: self = .bicubic(size: size, alignsCorners: try attributes.bool("aligns_corners"))
    default: throw FirnError(.parse, "`\(name)` is no resampling op")
    }
  }

  /// Rows and columns of the result.
  func counts(image: [Int]) throws(FirnError) -> [Int] {
    switch self {
    case .average(let size, let strides, let padding, _):
      return try poolCounts(image: image, size: size, SlidingWindow(strides: strides, padding: padding))
    case .adaptiveAverage(let size), .nearest(let size), .bilinear(let size, _), .bicubic(let size, _):
      try require(
        size.count == 2 && size.allSatisfy((1...SlidingWindow.limit).contains), "C3", .invalidArgument,
        "a result of \(size)", remedy: "give a positive height and width")
      return size
    }
  }

  /// How many weights an axis has at most.
  func weightCount(_ axis: Int, image: Int, count: Int) -> Int {
    switch self {
    case .average(let size, _, _, _): count * size[axis]
    case .adaptiveAverage: image + count
    case .nearest: count
    case .bilinear: 2 * count
    case .bicubic: 4 * count
    }
  }

  /// Whether all elements a result is made of have one weight.
  var isUniform: Bool {
    switch self {
    case .average, .adaptiveAverage, .nearest: true
    case .bilinear, .bicubic: false
    }
  }

  /// The elements a result is made of, and with what weights.
  package struct Window {
    package let elements: Range<Int>
    /// Those of the elements in order; where all are equal, the first says it.
    let weights: SIMD4<Double>

    /// The weight of one of the elements, where they differ.
    package func weight(of element: Int) -> Double { weights[element - elements.lowerBound] }
  }

  /// What result `i` of `count` is made of.
  ///
  /// Neither end of the elements ever moves back from one result to the next.
  package func window(_ axis: Int, of i: Int, image: Int, count: Int) -> Window {
    func mean(_ elements: Range<Int>, of divisor: Int) -> Window {
      Window(elements: elements, weights: SIMD4(repeating: 1 / Double(divisor)))
    }
    switch self {
    case .average(let size, let strides, let padding, let countsPadding):
      let start = i * strides[axis] - padding[2 * axis]
      let inside = Swift.max(start, 0)..<Swift.min(start + size[axis], image)
      return mean(inside, of: countsPadding ? size[axis] : inside.count)
    case .adaptiveAverage:
      let elements = i * image / count..<((i + 1) * image + count - 1) / count
      return mean(elements, of: elements.count)
    case .nearest:
      let element = i * image / count
      return mean(element..<element + 1, of: 1)
    case .bilinear(_, let alignsCorners):
      let at = Swift.max(0, Self.position(of: i, alignsCorners, image: image, count: count))
      let first = Swift.min(Int(at), image - 1)
      let rest = first + 1 < image ? at - Double(first) : 0
      return Window(elements: first..<first + (rest == 0 ? 1 : 2), weights: [1 - rest, rest, 0, 0])
    case .bicubic(_, let alignsCorners):
      let at = Self.position(of: i, alignsCorners, image: image, count: count)
      let first = Int(at.rounded(.down)) - 1
      let elements = Swift.min(Swift.max(first, 0), image - 1)..<Swift.min(Swift.max(first + 4, 1), image)
      var weights = SIMD4<Double>()
      for tap in 0..<4 {
        let element = Swift.min(Swift.max(first + tap, 0), image - 1)
        weights[element - elements.lowerBound] += Self.cubic(at - Double(first + tap))
      }
      return Window(elements: elements, weights: weights)
    }
  }

  /// Where result `i` is among the elements: by the centres of pixels, or of the corner ones.
  private static func position(of i: Int, _ alignsCorners: Bool, image: Int, count: Int) -> Double {
    alignsCorners
      ? (count > 1 ? Double(i) * Double(image - 1) / Double(count - 1) : 0)
      : (Double(i) + 0.5) * Double(image) / Double(count) - 0.5
  }

  /// The weight of an element so far away, below 2 (Keys, IEEE ASSP 29, 1981, with a = -¾).
  private static func cubic(_ distance: Double) -> Double {
    let (x, a) = (abs(distance), -0.75)
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  }
}
