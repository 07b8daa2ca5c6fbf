package import FirnGraph

/// `conv2d` and its input gradient by a kernel that was packed, by `pack_kernel`, into panels.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64` | as the first operand of `plain` |
/// | panels | as x | those of a kernel of the extents `kernel`, as `plain` reads them |
///
/// The constraints are those of `conv2d`, of a kernel of these extents. C10: the second operand has its panels. C11: it
/// is no kernel gradient.
///
/// Has the bits of `plain` by the kernel that was packed.
///
/// - Complexity: as `conv2d`; in `f32` the bits do not depend on how the work is split.
package struct PackedConvolution: KernelOp {
  /// What it does with the kernel as it was.
  package var plain: Convolution
  /// The kernel's extents.
  package var kernel: [Int]

  package init(_ plain: Convolution, kernel: [Int]) {
    self.plain = plain
    self.kernel = kernel
  }

  private static let suffix = "_packed"
  package static let mnemonics = [Convolution.Function.forward, .inputGradient].map { $0.rawValue + suffix }
  package var mnemonic: String { plain.mnemonic + Self.suffix }
  package var attributes: Attributes {
    Attributes(plain.attributes.entries + (["kernel": .ints(kernel)] as Attributes).entries)
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    plain = try Convolution(mnemonic: String(mnemonic.dropLast(Self.suffix.count)), attributes: attributes)
    kernel = try attributes.ints("kernel")
  }

  /// How the kernel lies.
  var layout: KernelPanels { plain.panels(of: kernel) }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    try require(
      plain.function != .kernelGradient, "C11", .invalidArgument, "a kernel gradient reads no kernel",
      remedy: "pack kernels of `conv2d` and its input gradient only")
    try require(
      kernel.count == 4 && kernel.allSatisfy((0...SlidingWindow.limit).contains), "C10", .invalidArgument,
      "\(kernel) is no kernel [height, width, channels / groups, features]", remedy: "give four extents")
    try require(
      kernel[0].saturatingProduct(kernel[1]) <= Self.mostTaps, "C10", .invalidArgument,
      "a kernel of \(kernel[0]) × \(kernel[1]) taps", remedy: "pack kernels of at most \(Self.mostTaps)")
    let types = try plain.resultTypes(of: unpacked(operands))
    let layout = layout
    try require(
      operands[1].shape == layout.shape, "C10", .shapeMismatch,
      "\(operands[1]) has not the panels of a kernel \(layout.kernelShape)",
      remedy: "give the extents of the kernel that was packed")
    return types
  }

  /// Their order is written out.
  fileprivate static let mostTaps = 1 << 20

  /// The operands of `plain`.
  func unpacked(_ operands: [TensorType]) -> [TensorType] {
    [operands[0], TensorType(operands[1].dtype, Shape(kernel.map { Dim($0) }))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  /// Those of the plain one, by the kernel that was packed.
  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (g, a) = (context.cotangent, context.operands[0])
    func other(_ function: Convolution.Function, _ size: [Int]) -> Convolution {
      Convolution(function, plain.window, groups: plain.groups, size: size)
    }
    let image = a.shape.dimensions[1..<3].compactMap(\.value)
    let taps = Array(kernel[..<2])
    return context.adjoints(
      {
        let k = context.operands[1].applying(PackKernel(.unpack, layout))
        return plain.function == .forward
          ? g.applying(other(.inputGradient, image), k) : g.applying(other(.forward, []), k)
      },
      {
        let k =
          plain.function == .forward
          ? a.applying(other(.kernelGradient, taps), g) : g.applying(other(.kernelGradient, taps), a)
        return k.applying(PackKernel(.pack, layout))
      })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    plain.flops(of: unpacked(operands), results: results)
  }

  package var canFail: Bool { false }
  package var isStart: Bool { true }
  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis == 0 ? RowRule(self, operands: [0, nil], results: [0]) : nil
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }
  package var aliasing: Aliasing { .none }
}

extension Convolution {
  /// How a kernel of these extents lies in panels that this reads.
  func panels(of kernel: [Int]) -> KernelPanels {
    let isTransposed = function == .inputGradient
    return KernelPanels(
      kernel: kernel, groups: groups, isTransposed: isTransposed,
      order: isTransposed ? window.tapOrder(of: Array(kernel[..<2])) : [])
  }

  /// A kernel of `f32` is best read from panels: else each worker packs it while it multiplies.
  ///
  /// `f64` is a reference, and where each channel stands alone nothing is packed.
  package func arrangement(of operand: Int, in node: NodeTypes) -> Arrangement? {
    guard operand == 1, function != .kernelGradient, node.operands[1].dtype == .f32,
      let kernel = node.operands[1].shape.extents, !kernel.contains(0),
      kernel[0].saturatingProduct(kernel[1]) <= PackedConvolution.mostTaps
    else { return nil }
    if groups > 1, kernel[2] == 1, kernel[3] == groups { return nil }
    return Arrangement(
      PackKernel(.pack, panels(of: kernel)), then: PackedConvolution(self, kernel: kernel))
  }
}
