package import FirnGraph

/// The convolution of images with a kernel of 3 × 3 taps that `winograd_kernel` has transformed.
///
/// y[n, m p + a, m q + b, o] = Σ A_as A_bt (Σ_c u[(s, t), o / 32, c, o % 32] (Σ B_si B_tj x[n, m p - top + i, m q - left + j, c]))
///
/// for a and b in 0..<m, i, j, s and t in 0..<m + 2, where x is 0 beside the image: up to rounding `conv2d` of what was
/// transformed, with strides of 1. For each (s, t) it is a product of matrices over the channels.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64` | [n, height, width, channels] |
/// | u | as x | [(m + 2)², ⌈features / 32⌉, channels, 32] |
/// | y | as x | [n, height + top + bottom - 2, width + left + right - 2, features] |
///
/// C1: x and u have four axes. C2: the element types are equal and floating point. C3: `tile`, m, is 2 or 4; padding is four
/// numbers in 0...2. C4: all extents but n are numbers. C5: u has the places of a tile, the channels of x, and the panels
/// of `features` features. C8: the padded image is not smaller than the taps.
///
/// What is not finite spreads over its tile: the results of one read the same sums, and the difference of infinities is NaN.
///
/// Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, section 4.
///
/// - Complexity: 2 n ⌈rows / m⌉ ⌈columns / m⌉ (m + 2)² channels features FLOPs and the transforms of both sides; in `f32` the
///   bits do not depend on how the work is split.
package struct WinogradConvolution: KernelOp {
  package var tile: Int
  /// Top, bottom, left, right.
  package var padding: [Int]
  package var features: Int

  package init(_ tile: WinogradTile, padding: [Int] = [0, 0, 0, 0], features: Int) {
    (self.tile, self.padding, self.features) = (tile.rawValue, padding, features)
  }

  package static let mnemonics = ["winograd_convolution"]
  package var mnemonic: String { "winograd_convolution" }
  package var attributes: Attributes {
    ["tile": .int(tile), "padding": .ints(padding), "features": .int(features)]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    tile = try attributes.int("tile")
    padding = try attributes.ints("padding")
    features = try attributes.int("features")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    let size = try extents(of: operands)
    return [
      TensorType(
        operands[0].dtype, [operands[0].shape[0], Dim(size.rows), Dim(size.columns), Dim(features)])
    ]
  }

  /// What the sums run over.
  struct Extents: Sendable {
    let transform: WinogradTransform
    let image: [Int]
    let channels: Int
    /// Of the result.
    let rows: Int
    let columns: Int

    /// Tiles of an image along an axis; the last may reach beyond the result.
    var down: Int { (rows + transform.tile - 1) / transform.tile }
    var across: Int { (columns + transform.tile - 1) / transform.tile }
  }

  func extents(of operands: [TensorType]) throws(FirnError) -> Extents {
    try operands.require(2)
    let (x, u) = (operands[0], operands[1])
    let (image, channels) = try x.image("images")
    try require(
      u.shape.rank == 4, "C1", .shapeMismatch, "\(u) is no transformed kernel",
      remedy: "transform one of 3×3 taps")
    try require(
      x.dtype == u.dtype && x.dtype.isFloatingPoint, "C2", .typeMismatch,
      "\(x) and \(u) are not of one floating point type", remedy: "cast both to f32")
    let transform = try WinogradTransform(number: tile)
    try require(
      padding.count == 4 && padding.allSatisfy((0...2).contains), "C3", .invalidArgument,
      "padding \(padding) is not four numbers in 0...2", remedy: "give top, bottom, left and right")
    try require(
      (0...SlidingWindow.limit).contains(features)
        && u.shape
          == [Dim(transform.places), Dim(Pack.panels(of: features)), Dim(channels), Dim(Pack.width)],
      "C5", .shapeMismatch,
      "\(u) has not the \(transform.places) places of \(channels) channels and \(features) features",
      remedy: "give the kernel that was transformed for tiles of \(tile)×\(tile)")
    let padded = [image[0] + padding[0] + padding[1], image[1] + padding[2] + padding[3]]
    try require(
      padded.allSatisfy { $0 >= 3 }, "C8", .shapeMismatch,
      "the image is \(padded[0])×\(padded[1]) with its padding, the kernel 3×3",
      remedy: "feed larger images, or pad more")
    return Extents(
      transform: transform, image: image, channels: channels, rows: padded[0] - 2, columns: padded[1] - 2)
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  /// That of the same sums written out: a convolution by the tile, with (m + 2)² taps and m² results for each feature.
  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.differentiated { operands in
      let (x, u) = (operands[0], operands[1])
      guard let size = try? extents(of: [x.type, u.type]) else {
        firnBug("winograd_convolution", "a gradient of \(x.type) and \(u.type)")
      }
      let (m, span) = (Dim(tile), Dim(tile + 2))
      let (channels, made) = (Dim(size.channels), Dim(features))
      let spread = x.graph.constant(
        NDArray(
          ArrayType(x.dtype, [size.transform.places * tile * tile, size.transform.places]),
          rounding: size.transform.spread))
      let plain = u.unpacked(columns: features).withShape([span * span, channels * made])
      let taps = spread.applying(MatMul(), plain).withShape([span, span, m * m, channels, made])
        .permuted([0, 1, 3, 2, 4]).withShape([span, span, channels, m * m * made])
      func padding(_ axis: Int, _ tiles: Int) -> [Int] {
        let low = self.padding[2 * axis]
        return [low, tiles * tile + 2 - size.image[axis] - low]
      }
      let window = SlidingWindow(
        strides: [tile, tile], padding: padding(0, size.down) + padding(1, size.across))
      let (n, down, across) = (x.shape[0], Dim(size.down), Dim(size.across))
      let tiles = x.applying(Convolution(.forward, window), taps)
        .withShape([n, down, across, m, m, made]).permuted([0, 1, 3, 2, 4, 5])
        .withShape([n, down * m, across * m, made])
      return tiles.applying(
        Slice(
          starts: [0, 0, 0, 0], limits: [n, Dim(size.rows), Dim(size.columns), made], steps: [1, 1, 1, 1]))
    }
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    guard let size = try? extents(of: operands) else { return 0 }
    let transform = size.transform
    let products = 2.saturatingProduct(transform.places).saturatingProduct(size.channels)
      .saturatingProduct(features)
    let sums = transform.inputWork.saturatingProduct(size.channels)
      .saturatingSum(transform.outputWork.saturatingProduct(features))
    return operands[0].shape[0] * Dim(size.down) * Dim(size.across) * Dim(products.saturatingSum(sums))
  }

  package var canFail: Bool { false }

  package var isElementwise: Bool { false }
  package var isStart: Bool { true }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis == 0 ? RowRule(self, operands: [0, nil], results: [0]) : nil
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }
}
