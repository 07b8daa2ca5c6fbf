package import FirnGraph

/// The convolution of images, and the two ways to turn it round: the gradient of its image and that of its kernel.
///
/// All three read one sum by another of its ends:
///
/// Σ y[n, p, q, o] x[n, p sₕ - top + i dₕ, q sᵥ - left + j dᵥ, c] k[i, j, c, o]
///
/// where c counts within the group of o, and x is 0 beside the image. `conv2d(x, k)` is y,
/// `conv2d_input_gradient(y, k)` is x (the transposed convolution), `conv2d_kernel_gradient(x, y)` is k. Each is linear
/// in both operands, and its gradients are the other two: derivatives of any order need no further op.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64` | [n, height, width, channels] |
/// | k | as x | [kernel height, kernel width, channels / groups, features] |
/// | y | as x | [n, rows, columns, features] |
///
/// C1: all have four axes. C2: the element types are equal and floating point. C3: strides, dilation and groups are
/// positive, padding is not negative. C4: all extents but n are numbers. C5: `groups` divides channels and features.
/// C6: channels, features and n of the operands agree. C7: no padding is larger than the kernel with its gaps. C8: nor
/// is the kernel with its gaps larger than the padded image. C9: y has the rows and columns that x and k give:
/// ⌊(height + top + bottom - span) / sₕ⌋ + 1, likewise across.
///
/// `size` of a gradient is the height and width of its result, which the operands do not settle: several images have
/// as many windows. NaN and infinity travel as in the sums written out; of the zeros beside the image some are multiplied
/// in `f32`, which of an infinite factor is NaN.
///
/// Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
///
/// - Complexity: 2 n rows columns features (channels / groups) kernel height kernel width FLOPs for each of the three,
///   padding included; in `f32` the bits do not depend on how the work is split.
package struct Convolution: KernelOp {
  package enum Function: String, CaseIterable, Sendable {
    case forward = "conv2d"
    case inputGradient = "conv2d_input_gradient"
    case kernelGradient = "conv2d_kernel_gradient"
  }

  package var function: Function
  package var window: SlidingWindow
  package var groups: Int
  /// Height and width of a gradient's result; empty for `conv2d`.
  package var size: [Int]

  package init(
    _ function: Function = .forward, _ window: SlidingWindow = SlidingWindow(), groups: Int = 1,
    size: [Int] = []
  ) {
    self.function = function
    self.window = window
    self.groups = groups
    self.size = size
  }

  package static let mnemonics = Function.allCases.map(\.rawValue)
  package var mnemonic: String { function.rawValue }
  package var attributes: Attributes {
    let common: Attributes = [
      "strides": .ints(window.strides), "padding": .ints(window.padding), "dilation": .ints(window.dilation),
      "groups": .int(groups),
    ]
    if function == .forward { return common }
    return Attributes(common.entries + (["size": .ints(size)] as Attributes).entries)
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    function = try member(mnemonic, of: Function.self, family: "convolution")
    window = SlidingWindow(
      strides: try attributes.ints("strides"), padding: try attributes.ints("padding"),
      dilation: try attributes.ints("dilation"))
    groups = try attributes.int("groups")
    size = function == .forward ? [] : try attributes.ints("size")
  }

  /// The extents of all three: what the sum runs over.
  struct Extents {
    var image: [Int]
    var taps: [Int]
    var counts: [Int]
    var channels: Int
    var features: Int
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    let extents = try extents(of: operands)
    func images(_ size: [Int], _ depth: Int) -> Shape {
      [operands[0].shape[0], Dim(size[0]), Dim(size[1]), Dim(depth)]
    }
    let shape =
      switch function {
      case .forward: images(extents.counts, extents.features)
      case .inputGradient: images(extents.image, extents.channels)
      case .kernelGradient: Shape(extents.taps + [extents.channels / groups, extents.features])
      }
    return [TensorType(operands[0].dtype, shape)]
  }

  func extents(of operands: [TensorType]) throws(FirnError) -> Extents {
    try operands.require(2)
    let (a, b) = (operands[0], operands[1])
    let (size, depth) = try a.image(function == .inputGradient ? "the adjoint" : "images")
    let other =
      function == .kernelGradient
      ? try b.numbers(1..<4, "the adjoint [batch, rows, columns, features]")
      : try b.numbers(0..<4, "a kernel [height, width, channels / groups, features]")
    try require(
      a.dtype == b.dtype && a.dtype.isFloatingPoint, "C2", .typeMismatch,
      "\(a) and \(b) are not of one floating point type", remedy: "cast both to f32")
    try window.require()
    try require(
      (1...SlidingWindow.limit).contains(groups), "C3", .invalidArgument, "\(groups) groups",
      remedy: "use 1, a divisor of the channels, or all channels for a depthwise convolution")
    let result = self.size
    try require(
      function == .forward
        ? result.isEmpty : result.count == 2 && result.allSatisfy((1...SlidingWindow.limit).contains),
      "C3", .invalidArgument, "size \(result) of `\(mnemonic)`", remedy: "give height and width")
    var extents: Extents
    switch function {
    case .forward:
      extents = Extents(
        image: size, taps: Array(other[..<2]), counts: [], channels: depth, features: other[3])
    case .inputGradient:
      extents = Extents(
        image: result, taps: Array(other[..<2]), counts: size, channels: other[2] * groups, features: other[3]
      )
    case .kernelGradient:
      extents = Extents(
        image: size, taps: result, counts: Array(other[..<2]), channels: depth, features: other[2])
    }
    try require(
      extents.taps.allSatisfy { $0 > 0 }, "C8", .shapeMismatch, "the kernel \(b) is empty",
      remedy: "give it at least one tap")
    try require(
      extents.channels % groups == 0, "C5", .shapeMismatch,
      "\(groups) groups do not divide \(extents.channels) channels of \(a)",
      remedy: "choose a divisor of the channels")
    try require(
      extents.features % groups == 0, "C5", .shapeMismatch,
      "\(groups) groups do not divide \(extents.features) features of \(b)",
      remedy: "choose a divisor of the features")
    switch function {
    case .forward:
      try require(
        depth == other[2] * groups, "C6", .shapeMismatch,
        "the images \(a) have \(depth) channels, the kernel \(b) reads \(other[2])"
          + (groups > 1 ? " in each of \(groups) groups" : ""),
        remedy: size[0] == other[2] * groups
          ? TensorType.channelsLastRemedy
          : "make the kernel's third extent the channels divided by the groups")
    case .inputGradient:
      try require(
        depth == other[3], "C6", .shapeMismatch,
        "\(a) has \(depth) features, the kernel \(b) has \(other[3])",
        remedy: "make the kernel's last extent the features")
    case .kernelGradient:
      try require(
        a.shape[0] == b.shape[0], "C6", .shapeMismatch, "\(a.shape[0]) images, \(b.shape[0]) adjoints",
        remedy: "give as many of both")
    }
    let counts: [Int]
    do throws(FirnError) {
      counts = try window.counts(image: extents.image, taps: extents.taps)
    } catch {
      var error = error
      if error.constraint == "C8", function == .forward, a.looksChannelsFirst {
        error.remedy = TensorType.channelsLastRemedy
      }
      throw error
    }
    if function == .forward {
      extents.counts = counts
    } else {
      try require(
        extents.counts == counts, "C9", .shapeMismatch,
        "\(extents.counts[0])×\(extents.counts[1]) windows, but a kernel of \(extents.taps[0])×\(extents.taps[1]) has "
          + "\(counts[0])×\(counts[1]) on an image of \(extents.image[0])×\(extents.image[1])",
        remedy: "choose another size, stride or padding")
    }
    return extents
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (g, a, b) = (context.cotangent, context.operands[0], context.operands[1])
    func other(_ function: Function, _ size: ArraySlice<Dim> = []) -> Convolution {
      Convolution(function, window, groups: groups, size: size.compactMap(\.value))
    }
    func image(_ x: Tensor) -> ArraySlice<Dim> { x.shape.dimensions[1..<3] }
    switch function {
    case .forward:
      return context.adjoints(
        { g.applying(other(.inputGradient, image(a)), b) },
        { a.applying(other(.kernelGradient, b.shape.dimensions[..<2]), g) })
    case .inputGradient:
      return context.adjoints(
        { g.applying(other(.forward), b) },
        { g.applying(other(.kernelGradient, b.shape.dimensions[..<2]), a) })
    case .kernelGradient:
      return context.adjoints(
        { b.applying(other(.inputGradient, image(a)), g) }, { a.applying(other(.forward), g) })
    }
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    let y = function == .forward ? results[0] : operands[function == .inputGradient ? 0 : 1]
    let k = function == .kernelGradient ? results[0] : operands[1]
    return y.shape.elementCount * k.shape[0] * k.shape[1] * k.shape[2] * 2
  }

  package var canFail: Bool { false }

  /// A factor of what the kernel makes, or of what it reads, can be the kernel's.
  ///
  /// Of groups each reads other channels by the same rows of the kernel.
  package func factor(along axis: Int, of place: FactorPlace, in node: NodeTypes) -> OperandAxis? {
    guard axis == 3 else { return nil }
    return switch (function, place) {
    case (.forward, .result), (.inputGradient, .operand(0)): OperandAxis(1, 3)
    case (.forward, .operand(0)), (.inputGradient, .result): groups == 1 ? OperandAxis(1, 2) : nil
    default: nil
    }
  }

  /// A kernel's features, which it makes or, turned round, sums over.
  package func kernelChannel(of operand: Int, in node: NodeTypes) -> Int? {
    operand == 1 && function != .kernelGradient ? 3 : nil
  }

  package var isElementwise: Bool { false }

  /// A kernel's gradient is summed over all rows of its operands, and goes into other programs, those of optimisers.
  package var isStart: Bool { function != .kernelGradient }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    switch (function, axis) {
    case (.forward, 0), (.inputGradient, 0): return RowRule(self, operands: [0, nil], results: [0])
    // Without groups each output feature of a kernel is a convolution by itself.
    case (.kernelGradient, 3) where groups == 1: return RowRule(self, operands: [nil, 3], results: [3])
    default: return nil
    }
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }
}
