internal import CFirnKernels
package import FirnGraph

/// The kernel of a convolution in the panels that `conv2d_packed` reads, and the kernel that panels are of.
///
/// `pack_kernel`: y[g, q, r, l] = x[tap, c, o], the row r being a channel of a tap, the column 32 q + l what the product
/// makes, and 0 beyond the last column. `unpack_kernel` is the other way round. Each is the other's gradient.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | kernel | `f32`, `f64` | [height, width, channels / groups, features] |
/// | panels | as kernel | [groups, ⌈columns / 32⌉, height width rows, 32] |
///
/// Columns are the features of a group and rows its channels; if `transposed`, as the input gradient reads a kernel,
/// it is the other way round. `order` lists the taps as they lie in panels where that is not their own order.
///
/// C1: `kernel` is four extents. C2: `groups` divides the features. C3: `order` has each tap once, or is empty. C4: the
/// operand has the shape that these say. C5: its elements are floating point.
///
/// - Complexity: one pass, no FLOPs.
package struct PackKernel: KernelOp {
  package enum Function: String, CaseIterable, Sendable {
    case pack = "pack_kernel"
    case unpack = "unpack_kernel"
  }

  package var function: Function
  package var layout: KernelPanels

  package init(_ function: Function = .pack, _ layout: KernelPanels) {
    self.function = function
    self.layout = layout
  }

  package static let mnemonics = Function.allCases.map(\.rawValue)
  package var mnemonic: String { function.rawValue }
  package var attributes: Attributes {
    [
      "kernel": .ints(layout.kernel), "groups": .int(layout.groups), "transposed": .bool(layout.isTransposed),
      "order": .ints(layout.order),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    function = try member(mnemonic, of: Function.self, family: "packing")
    layout = KernelPanels(
      kernel: try attributes.ints("kernel"), groups: try attributes.int("groups"),
      isTransposed: try attributes.bool("transposed"), order: try attributes.ints("order"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    try layout.require()
    let (from, to) =
      function == .pack ? (layout.kernelShape, layout.shape) : (layout.shape, layout.kernelShape)
    try require(
      operands[0].shape == from, "C4", .shapeMismatch, "\(operands[0]) has not the shape \(from)",
      remedy: "give the extents of the kernel that is packed")
    try operands[0].requireFloatingPoint("x", "C5")
    return [TensorType(operands[0].dtype, to)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.adjoints({ context.cotangent.applying(PackKernel(function == .pack ? .unpack : .pack, layout)) })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var numerics: Numerics { .moving }
  package var canFail: Bool { false }
  package var isElementwise: Bool { false }
  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? { nil }
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .notKnown }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }
  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let layout = layout
    let isFast = operands[0].dtype == .f32
    if results[0].elementCount == 0 || operands[0].elementCount == 0 {
      let result = results[0]
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        fill(call.result(as: UInt8.self), result, with: 0)
      }
    }
    let (count, grain) = (layout.groups * layout.panels, grain(ofItems: layout.panel))
    switch function {
    case .pack where isFast:
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let (x, y) = (call.operand(0, as: Float.self), call.result(as: Float.self))
        call.inPieces(count, grain: grain) { start, pieces in
          layout.visit(start..<start + pieces) { piece in
            firn_pack_f32(
              piece.columns, layout.depth, x + piece.inKernel, layout.row, layout.column, y + piece.inPanels)
          }
        }
      }
    case .pack:
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let (x, y) = (call.operand(0, as: Double.self), call.result(as: Double.self))
        call.inPieces(count, grain: grain) { layout.pack(x, y, $0..<$0 + $1) }
      }
    case .unpack:
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        if isFast {
          let (x, y) = (call.operand(0, as: Float.self), call.result(as: Float.self))
          call.inPieces(count, grain: grain) { layout.unpack(x, y, $0..<$0 + $1) }
        } else {
          let (x, y) = (call.operand(0, as: Double.self), call.result(as: Double.self))
          call.inPieces(count, grain: grain) { layout.unpack(x, y, $0..<$0 + $1) }
        }
      }
    }
  }
}

extension KernelPanels {
  /// Calls `body` with what is in panels, counted group by group.
  @inline(__always)
  fileprivate func visit(_ panels: Range<Int>, _ body: (Piece) -> Void) {
    for at in panels {
      for tap in 0..<tapCount { body(piece(group: at / self.panels, panel: at % self.panels, tap: tap)) }
    }
  }

  fileprivate func pack<Element: FloatingPoint>(
    _ x: UnsafePointer<Element>, _ y: UnsafeMutablePointer<Element>, _ panels: Range<Int>
  ) {
    visit(panels) { piece in
      for p in 0..<depth {
        let to = y + piece.inPanels + p * Pack.width
        for l in 0..<Pack.width {
          to[l] = l < piece.columns ? x[piece.inKernel + p * row + l * column] : 0
        }
      }
    }
  }

  /// Every element of a kernel is in one panel.
  func unpack<Element: FloatingPoint>(
    _ x: UnsafePointer<Element>, _ y: UnsafeMutablePointer<Element>, _ panels: Range<Int>
  ) {
    visit(panels) { piece in
      for p in 0..<depth {
        let from = x + piece.inPanels + p * Pack.width
        for l in 0..<piece.columns { y[piece.inKernel + p * row + l * column] = from[l] }
      }
    }
  }
}
