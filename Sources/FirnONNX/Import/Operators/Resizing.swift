import FirnGraph
import FirnOps

/// `Resize` and `Upsample`, axis by axis; where an image is resized by a rule that `resize` knows, by that.
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
    var wanted: [Dim]?
    if places.sizes > 0, c.has(places.sizes) { wanted = try c.dims(places.sizes, "sizes") }
    if given?.isEmpty == true { given = nil }
    guard given?.count ?? wanted?.count == axes.count else {
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
      var numbers: [Int] = []
      for (axis, size) in zip(axes, wanted) {
        // What an axis has, named or not, it keeps, as a batch does.
        let isKept = policy == "stretch" && !isCropped && size == shape[axis]
        numbers.append(isKept ? shape[axis].value ?? -1 : try c.numbers([size], "sizes")[0])
        ratios.append(isKept ? 1 : Double(numbers[numbers.count - 1]) / Double(try extent(axis, shape)))
      }
      if policy != "stretch" {
        let ratio = (policy == "not_larger" ? ratios.min() : ratios.max()) ?? 1
        for axis in axes {
          let extent = try extent(axis, shape)
          scales.append(ratio)
          sizes.append(whole((ratio * Double(extent)).rounded(.toNearestOrAwayFromZero)))
        }
      } else {
        (scales, sizes) = (ratios, numbers)
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
      guard sizes[index] > 0 else {
        throw FirnError(.shapeMismatch, "an extent would be \(sizes[index])", remedy: "check the scales")
      }
      let type = result.dtype
      let isWhole = type.isFloatingPoint || mode == "nearest" && !isCropped
      result = (isWhole ? result : result.cast(to: .f64)).resampled(
        axis: x.place(of: axes[index]), to: sizes[index], try rule(index))
      if !isWhole { result = result.cast(to: type) }
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
    let isExact = changing.allSatisfy { self.isExact($0) }
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

  // MARK: Rules

  /// How one axis is resampled.
  private func rule(_ index: Int) throws(FirnError) -> Resampling {
    let (scale, size) = (scales[index], sizes[index])
    // A filter that smooths is as much wider as the image shrinks.
    guard scale > 0, scale.isFinite, !c.flag("antialias") || scale > 1e-4 else {
      throw c.unsupported("a scale of \(scale)")
    }
    let extent = x.shape[axes[index]].value ?? 0
    try OperatorCall.requireMatrix(size, Swift.max(extent, c.flag("antialias") ? whole(4 / scale) : 4))
    let positions: Resampling.Positions
    switch coordinates {
    case "align_corners":
      // ONNX puts the last corner where the scale has it, though the result may end before.
      let whole = Double(extent) * scale
      if !isExact(index), extent > 1, whole > 1 {
        return Resampling(
          try method(), positions: .asymmetric, scale: (whole - 1) / Double(extent - 1),
          excludesOutside: c.flag("exclude_outside"))
      }
      positions = .alignedCorners
    case "tf_half_pixel_for_nn" where mode == "nearest" && c.string("nearest_mode", "") == "floor":
      return Resampling(.nearest(.halfUp), scale: scale)
    case "asymmetric": positions = .asymmetric
    case "pytorch_half_pixel": positions = .pyTorchHalfPixel
    case "half_pixel_symmetric": positions = .halfPixelSymmetric
    case "tf_crop_and_resize":
      let (from, to) = region[index]
      positions = .cropped(from: from, to: to, beyond: c.float("extrapolation_value", 0))
    case "half_pixel": positions = .halfPixel
    default: throw c.unsupported("coordinate_transformation_mode `\(coordinates)`")
    }
    return Resampling(
      try method(), positions: positions, scale: isCropped ? nil : scale,
      excludesOutside: c.flag("exclude_outside"),
      isAntialiased: c.flag("antialias"))
  }

  private func isExact(_ index: Int) -> Bool {
    x.shape[axes[index]].value.map { Double($0) * scales[index] == Double(sizes[index]) } ?? false
  }

  private func method() throws(FirnError) -> Resampling.Method {
    switch mode {
    case "nearest": .nearest(try rounding())
    case "cubic": .cubic(c.float("cubic_coeff_a", -0.75))
    default: .linear
    }
  }

  private func rounding() throws(FirnError) -> Resampling.Rounding {
    let isOld = c.node.op == "Upsample" || c.version < 11
    switch c.string("nearest_mode", isOld ? "floor" : "round_prefer_floor") {
    case "round_prefer_floor": return .halfDown
    case "round_prefer_ceil": return .halfUp
    case "floor": return .down
    case "ceil": return .up
    case let other: throw c.unsupported("nearest_mode `\(other)`")
    }
  }
}
