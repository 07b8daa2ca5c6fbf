import FirnGraph
import FirnOps

/// `Resize` and `Upsample`: a linear map of each axis that changes.
///
/// The map is a constant matrix, made here once; where Firn has the very same rule as an op, that is used instead.
struct Resizing {
  private let c: OperatorCall
  private let x: LaidTensor
  /// The axes that may change, and of each the new extent, the scale and the region of interest.
  private var axes: [Int] = []
  private var sizes: [Int] = []
  private var scales: [Double] = []
  private var region: [(start: Double, end: Double)] = []
  private let mode: String
  private let coordinates: String

  init(_ call: OperatorCall) throws(FirnError) {
    c = call
    x = try call.laid(0)
    mode = call.string("mode", "nearest")
    let isOld = call.node.op == "Upsample" || call.version < 11
    coordinates = call.string("coordinate_transformation_mode", isOld ? "asymmetric" : "half_pixel")
    try measure(isOld: isOld)
  }

  private mutating func measure(isOld: Bool) throws(FirnError) {
    let rank = x.rank
    axes = try c.axes(c.ints("axes") ?? Array(0..<rank), rank: rank)
    let places = isOld ? (scales: 1, sizes: -1, region: -1) : (scales: 2, sizes: 3, region: 1)
    var given = c.floats("scales")
    if given == nil, c.has(places.scales) { given = try c.doubles(places.scales, "scales") }
    var wanted: [Int]?
    if places.sizes > 0, c.has(places.sizes) { wanted = try c.integers(places.sizes, "sizes") }
    if given?.isEmpty == true { given = nil }
    guard (given ?? wanted?.map { Double($0) })?.count == axes.count else {
      throw FirnError(
        .shapeMismatch, "scales or sizes are not one for each of \(axes.count) axes",
        remedy: "check the file with onnx.checker")
    }
    var regions: [Double] = []
    if coordinates == "tf_crop_and_resize", c.has(places.region) {
      regions = try c.doubles(places.region, "roi")
      guard regions.count == 2 * axes.count else {
        throw c.unsupported("a region of \(regions.count) numbers")
      }
    }
    let policy = c.string("keep_aspect_ratio_policy", "stretch")
    let shape = x.shape
    if let wanted {
      var ratios: [Double] = []
      for (axis, size) in zip(axes, wanted) { ratios.append(Double(size) / Double(try extent(axis, shape))) }
      if policy != "stretch" {
        let ratio = (policy == "not_larger" ? ratios.min() : ratios.max()) ?? 1
        for axis in axes {
          let extent = try extent(axis, shape)
          scales.append(ratio)
          sizes.append(whole((ratio * Double(extent)).rounded(.toNearestOrAwayFromZero)))
        }
      } else {
        scales = ratios
        sizes = wanted
      }
    } else if let given {
      scales = given
      for (axis, scale) in zip(axes, given) {
        if scale == 1 {
          sizes.append(shape[axis].value ?? -1)
        } else {
          let start = regions.isEmpty ? 0 : regions[axes.firstIndex(of: axis) ?? 0]
          let end = regions.isEmpty ? 1 : regions[axes.count + (axes.firstIndex(of: axis) ?? 0)]
          sizes.append(whole((Double(try extent(axis, shape)) * (end - start) * scale).rounded(.down)))
        }
      }
    }
    region = axes.indices.map { index in
      regions.count == 2 * axes.count ? (regions[index], regions[axes.count + index]) : (0, 1)
    }
    guard sizes.allSatisfy({ $0 < 1 << 30 }) else {
      throw FirnError(.shapeMismatch, "the result would be too large", remedy: "check the scales")
    }
  }

  private func extent(_ axis: Int, _ shape: Shape) throws(FirnError) -> Int {
    try c.numbers([shape[axis]], "an extent that changes")[0]
  }

  func results() throws(FirnError) -> [ImportedValue] {
    let shape = x.shape
    let changing = axes.indices.filter { index in
      sizes[index] >= 0 && (shape[axes[index]].value != sizes[index] || isCropped)
    }
    if let image = own(changing, shape) { return [.of(image, isChannelsLast: true)] }
    var result = x.tensor
    for index in changing {
      let extent = try extent(axes[index], shape)
      let matrix = try matrix(index, extent: extent)
      result = try OperatorCall.mapping(result, axis: x.place(of: axes[index]), by: matrix)
      if isCropped, let outside = outside(index, extent: extent) {
        let value = c.float("extrapolation_value", 0)
        var ones = [Dim](repeating: 1, count: x.rank)
        ones[x.place(of: axes[index])] = Dim(sizes[index])
        let mask = result.graph.constant(try NDArray(outside, shape: [outside.count])).reshaped(
          to: Shape(ones))
        result = select(
          where: mask, result.graph.constant(value, dtype: result.dtype), otherwise: result)
      }
    }
    return [.of(result, isChannelsLast: x.isChannelsLast)]
  }

  private var isCropped: Bool { coordinates == "tf_crop_and_resize" }

  /// By Firn's own op, where the spatial axes of an image change by a rule that it has.
  private func own(_ changing: [Int], _ shape: Shape) -> Tensor? {
    guard x.rank == 4, !changing.isEmpty, changing.allSatisfy({ axes[$0] >= 2 }), !c.flag("antialias") else {
      return nil
    }
    func size(_ axis: Int) -> Int? { axes.firstIndex(of: axis).map { sizes[$0] } ?? shape[axis].value }
    guard let height = size(2), let width = size(3), let rows = shape[2].value, let columns = shape[3].value,
      height > 0, width > 0
    else { return nil }
    let isExact = changing.allSatisfy { index in
      shape[axes[index]].value.map { Double($0) * scales[index] == Double(sizes[index]) } ?? false
    }
    let method: Interpolation
    switch (mode, coordinates) {
    case ("nearest", "asymmetric")
    where c.string("nearest_mode", c.node.op == "Upsample" || c.version < 11 ? "floor" : "round_prefer_floor")
      == "floor"
      && isExact:
      method = .nearest
    case ("linear", "half_pixel") where isExact: method = .bilinear()
    case ("linear", "align_corners") where isExact && rows > 1 && columns > 1 && height > 1 && width > 1:
      method = .bilinear(alignsCorners: true)
    case ("cubic", "half_pixel")
    where isExact && !c.flag("exclude_outside") && c.float("cubic_coeff_a", -0.75) == -0.75:
      method = .bicubic()
    case ("cubic", "align_corners")
    where isExact && !c.flag("exclude_outside") && c.float("cubic_coeff_a", -0.75) == -0.75 && height > 1
      && width > 1:
      method = .bicubic(alignsCorners: true)
    default: return nil
    }
    return resize(x.channelsLast, to: (height, width), method)
  }

  /// A whole number as an integer; what is beyond any extent, or no number, is the nearest that is none.
  private func whole(_ number: Double) -> Int {
    number.isNaN ? -1 : Int(Swift.min(Swift.max(number, -0x1p30), 0x1p30))
  }

  // MARK: Matrices

  /// Where an element of the result lies among those of the axis.
  private func source(_ place: Int, _ index: Int, extent: Int) -> Double {
    let (p, n, m) = (Double(place), Double(extent), Double(sizes[index]))
    let scale = scales[index]
    switch coordinates {
    case "align_corners": return m == 1 ? 0 : p * (n - 1) / (n * scale - 1)
    case "asymmetric": return p / scale
    case "pytorch_half_pixel": return m == 1 ? 0 : (p + 0.5) / scale - 0.5
    case "half_pixel_symmetric":
      let adjusted = m / (n * scale)
      let center = n / 2
      return center * (1 - adjusted) + (p + 0.5) / scale - 0.5
    case "tf_half_pixel_for_nn": return (p + 0.5) / scale
    case "tf_crop_and_resize":
      let (start, end) = region[index]
      return m == 1
        ? 0.5 * (start + end) * (n - 1) : start * (n - 1) + p * (end - start) * (n - 1) / (m - 1)
    default: return (p + 0.5) / scale - 0.5
    }
  }

  /// Which elements of the result lie outside of the axis; nil where none does.
  private func outside(_ index: Int, extent: Int) -> [Bool]? {
    let result = (0..<sizes[index]).map { place in
      let at = source(place, index, extent: extent)
      return at < 0 || at > Double(extent - 1)
    }
    return result.contains(true) ? result : nil
  }

  private func matrix(_ index: Int, extent: Int) throws(FirnError) -> [[Double]] {
    let excludes = c.flag("exclude_outside")
    let scale = scales[index]
    // Where an image shrinks, a filter that smooths is as much wider.
    let width = c.flag("antialias") && scale < 1 ? 1 / scale : 1
    try OperatorCall.requireMatrix(sizes[index], Swift.max(extent, whole(4 * width)))
    var result: [[Double]] = []
    for place in 0..<sizes[index] {
      let at = source(place, index, extent: extent)
      var row = [Double](repeating: 0, count: extent)
      if mode == "nearest" {
        row[Swift.min(Swift.max(try nearest(at), 0), extent - 1)] = 1
        result.append(row)
        continue
      }
      let reach = (mode == "cubic" ? 2 : 1) * width
      let first = whole((at - reach).rounded(.down))
      let last = Swift.max(first, whole((at + reach).rounded(.up)))
      var total = 0.0
      for tap in first...last {
        let distance = Swift.abs(at - Double(tap)) / width
        let weight = mode == "cubic" ? cubic(distance) : Swift.max(0, 1 - distance)
        if weight == 0 { continue }
        if excludes, !(0..<extent).contains(tap) { continue }
        row[Swift.min(Swift.max(tap, 0), extent - 1)] += weight
        total += weight
      }
      if total != 0, excludes || width != 1 { row = row.map { $0 / total } }
      result.append(row)
    }
    return result
  }

  private func nearest(_ at: Double) throws(FirnError) -> Int {
    let isOld = c.node.op == "Upsample" || c.version < 11
    switch c.string("nearest_mode", isOld ? "floor" : "round_prefer_floor") {
    case "round_prefer_floor": return whole((at - 0.5).rounded(.up))
    case "round_prefer_ceil": return whole((at + 0.5).rounded(.down))
    case "floor": return whole(at.rounded(.down))
    case "ceil": return whole(at.rounded(.up))
    case let other: throw c.unsupported("nearest_mode `\(other)`")
    }
  }

  /// Keys's polynomials (IEEE Transactions on Acoustics, Speech, and Signal Processing 29, 1981).
  private func cubic(_ x: Double) -> Double {
    let a = c.float("cubic_coeff_a", -0.75)
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    return 0
  }
}
