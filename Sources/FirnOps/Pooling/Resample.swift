package import FirnGraph

/// Weighted sums along the rows and the columns of images: average pools, upsampling, and the transposes of these.
///
/// y[n, p, q, c] = Σ a[p, h] b[q, w] x[n, h, w, c]
///
/// where the rule gives the few weights of a and b that are not 0; see `ResampleRule`. The transpose, whose mnemonic
/// ends in `_gradient`, has a and b transposed; `image` is the height and width of its result. Each is the other's
/// gradient.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64` | [n, height, width, channels], of a transpose [n, rows, columns, channels] |
///
/// C1: x has four axes. C2: it is floating point. C3: sizes and strides are positive, padding is not negative. C4: all
/// extents but n are numbers. C7: padding is smaller than the window. C8: the window is not larger than the padded
/// image, and the image not empty. C9: a transpose's x has the rows and columns that `image` gives.
///
/// An element of weight 0 is not read, also if it is NaN; a bicubic rule reads all four around.
///
/// - Complexity: 2 FLOPs for each weight of a, weight of b, n and channel.
package struct Resample: KernelOp {
  package var rule: ResampleRule
  /// Height and width of a transpose's result; nil where this is none.
  package var image: [Int]?

  package init(_ rule: ResampleRule, image: [Int]? = nil) {
    self.rule = rule
    self.image = image
  }

  private static let transposed = "_gradient"

  package static let mnemonics = ResampleRule.names.flatMap { [$0, $0 + transposed] }
  package var mnemonic: String { image == nil ? rule.name : rule.name + Self.transposed }
  package var attributes: Attributes {
    guard let image else { return rule.attributes }
    return Attributes(rule.attributes.entries + (["image": .ints(image)] as Attributes).entries)
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    let isTransposed = mnemonic.hasSuffix(Self.transposed)
    rule = try ResampleRule(
      name: isTransposed ? String(mnemonic.dropLast(Self.transposed.count)) : mnemonic, attributes)
    image = isTransposed ? try attributes.ints("image") : nil
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    try x.requireFloatingPoint("x", "C2")
    let (size, channels) = try x.image(image == nil ? "images" : "the adjoint")
    let from = image ?? size
    try requireElements(image: from)
    let counts = try rule.counts(image: from)
    try require(
      image == nil || size == counts, "C9", .shapeMismatch,
      "\(x), where an image of \(from) has \(counts[0])×\(counts[1])", remedy: "choose another image size")
    let to = image ?? counts
    return [TensorType(x.dtype, [x.shape[0], Dim(to[0]), Dim(to[1]), Dim(channels)])]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let size = context.operands[0].shape.dimensions[1..<3].compactMap(\.value)
    return context.adjoints({ context.cotangent.applying(Resample(rule, image: image == nil ? size : nil)) })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    let x = operands[0].shape
    let (from, to) = image == nil ? (x, results[0].shape) : (results[0].shape, x)
    let weights = (0..<2).map { axis in
      rule.weightCount(axis, image: from[axis + 1].value ?? 0, count: to[axis + 1].value ?? 0)
    }
    return x[0] * x[3] * Dim(weights[0]) * Dim(weights[1]) * 2
  }

  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    // Images and channels are resampled each by itself.
    axis == 0 || axis == 3 ? RowRule(self, allAlong: axis, in: node) : nil
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }
}
