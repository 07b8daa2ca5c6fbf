internal import CFirnKernels
package import FirnGraph

/// The greatest element of each window of an image, channel by channel; and what belongs to where it stands.
///
/// `max_pool2d(x)` is the greatest element of each window. `max_pool2d_gradient(x, g)` adds each window's g where x is
/// greatest in it, `max_pool2d_take(x, t)` takes each window's t from there: each is the gradient of the other in its
/// second operand, and does not vary with x but where the greatest element changes.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64` | [n, height, width, channels] |
/// | g | as x | [n, rows, columns, channels] |
/// | t | as x | as x |
///
/// C1: all have four axes. C2: the element types are equal and floating point. C3: strides, dilation and window are positive,
/// padding is not negative. C4: all extents but n are numbers. C6: n and channels of the operands agree. C7: padding is
/// smaller than the window's span, (size - 1) dilation + 1. C8: the span is not larger than the padded image, which is
/// not empty. C9: g has the rows and columns that x gives, ⌊(height + top + bottom - span) / stride⌋ + 1, and t those of
/// x.
///
/// What is beside the image is never the greatest; a window with gaps, all of whose taps are beside it, gives -∞ and has
/// no gradient. Of equal elements the first in row-major order counts, and it alone has the gradient. A NaN is greater
/// than all else, the last of several counts. Both as in PyTorch.
///
/// - Complexity: one comparison for each tap and result; the gradient finds the greatest again where the image is kept
///   anyway, and `keep-bits` has it read where they were otherwise.
package struct MaxPool: KernelOp {
  package enum Function: String, CaseIterable, Sendable {
    case greatest = "max_pool2d"
    case gradient = "max_pool2d_gradient"
    case take = "max_pool2d_take"
  }

  package var function: Function
  /// Height and width.
  package var size: [Int]
  package var strides: [Int]
  package var padding: [Int]
  /// From one tap of a window to the next, down and across.
  package var dilation: [Int]

  package init(
    _ function: Function = .greatest, size: [Int], strides: [Int], padding: [Int] = [0, 0, 0, 0],
    dilation: [Int] = [1, 1]
  ) {
    self.function = function
    self.size = size
    self.strides = strides
    self.padding = padding
    self.dilation = dilation
  }

  package static let mnemonics = Function.allCases.map(\.rawValue)
  package var mnemonic: String { function.rawValue }
  package var attributes: Attributes {
    [
      "size": .ints(size), "strides": .ints(strides), "padding": .ints(padding),
      "dilation": .ints(dilation),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    function = try member(mnemonic, of: Function.self, family: "maximum pooling")
    size = try attributes.ints("size")
    strides = try attributes.ints("strides")
    padding = try attributes.ints("padding")
    dilation = try attributes.ints("dilation")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(function == .greatest ? 1 : 2)
    let x = operands[0]
    try x.requireFloatingPoint("x", "C2")
    let (image, channels) = try x.image("images")
    try requireElements(image: image)
    let counts = try poolCounts(
      image: image, size: size, SlidingWindow(strides: strides, padding: padding, dilation: dilation))
    let pooled = TensorType(
      x.dtype, [x.shape[0], Dim(counts[0]), Dim(counts[1]), Dim(channels)])
    if function == .greatest { return [pooled] }
    let (other, expected) = (operands[1], function == .gradient ? pooled : x)
    try require(
      other.dtype == x.dtype, "C2", .typeMismatch, "\(x) and \(other) are not of one type",
      remedy: "cast one of them")
    try require(
      other == expected, other.shape.rank == 4 && other.shape[3] != x.shape[3] ? "C6" : "C9", .shapeMismatch,
      "\(other) beside the images \(x), where \(expected) belongs",
      remedy: "give one for each window or element")
    return [function == .gradient ? x : pooled]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    function == .greatest || operand == 1 ? .passes : .zero
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    var op = self
    let x = context.operands[0]
    op.function = function == .gradient ? .take : .gradient
    if function == .greatest { return context.adjoints({ x.applying(op, context.cotangent) }) }
    return [nil, context.wants[1] ? x.applying(op, context.cotangent) : nil]
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    let pooled = function == .gradient ? operands[1] : results[0]
    return pooled.shape.elementCount * Dim(size[0]) * Dim(size[1])
  }

  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    // Images and channels are pooled each by itself.
    axis == 0 || axis == 3 ? RowRule(self, allAlong: axis, in: node) : nil
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  /// Of the image it is enough where the greatest elements stand.
  package func residual(of operand: Int, in node: NodeTypes) -> Arrangement? {
    let image = node.operands[0].shape
    guard operand == 0, function != .greatest, let height = image[1].value, let width = image[2].value else {
      return nil
    }
    return Arrangement(
      MaxPoolPlaces(.places, self),
      then: function == .take
        ? MaxPoolPlaces(.collect, self) : MaxPoolPlaces(.scatter, self, image: [height, width]))
  }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (image, pooled) = (operands[0].shape, function == .gradient ? operands[1].shape : results[0].shape)
    if results[0].elementCount == 0 { return Kernel { (_: borrowing KernelCall) throws(FirnError) in } }
    return operands[0].dtype == .f32 ? fast(image, pooled) : plain(image, pooled)
  }

  private func fast(_ image: [Int], _ pooled: [Int]) -> Kernel {
    func axis(_ axis: Int) -> FirnWindowAxis {
      FirnWindowAxis(
        count: pooled[axis + 1], step: strides[axis], offset: -padding[2 * axis], taps: size[axis],
        tap: dilation[axis], extent: image[axis + 1])
    }
    let window = FirnWindow(rows: axis(0), columns: axis(1), channels: image[3], pixel: image[3])
    let (function, rows, whole) = (function, pooled[1], image[1] * image[2] * image[3])
    let rowGrain = grain(ofItems: pooled[2], pooled[3], size[0], size[1])
    let imageGrain = grain(ofItems: rows, pooled[2], pooled[3], size[0], size[1])
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: Float.self)
      let y = call.result(as: Float.self)
      switch function {
      case .greatest:
        call.inPieces(image[0] * rows, grain: rowGrain) { start, count in
          var window = window
          firn_max_pool_f32(FIRN_POOL_GREATEST, &window, x, nil, start, count, y)
        }
      case .take:
        let other = call.operand(1, as: Float.self)
        call.inPieces(image[0] * rows, grain: rowGrain) { start, count in
          var window = window
          firn_max_pool_f32(FIRN_POOL_TAKE, &window, x, other, start, count, y)
        }
      case .gradient:
        // Windows overlap, images do not.
        let other = call.operand(1, as: Float.self)
        call.inPieces(image[0], grain: imageGrain) { start, count in
          var window = window
          (y + start * whole).update(repeating: 0, count: count * whole)
          firn_max_pool_f32(FIRN_POOL_SCATTER, &window, x, other, start * rows, count * rows, y)
        }
      }
    }
  }

  private func plain(_ image: [Int], _ pooled: [Int]) -> Kernel {
    let op = self
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: Double.self)
      let y = call.result(as: Double.self)
      let other = call.operand(op.function == .greatest ? 0 : 1, as: Double.self)
      let (whole, part) = (image[1] * image[2] * image[3], pooled[1] * pooled[2] * pooled[3])
      call.inPieces(image[0], grain: 1) { start, count in
        if op.function == .gradient { (y + start * whole).update(repeating: 0, count: count * whole) }
        for n in start..<start + count {
          op.visitGreatest(of: x + n * whole, image, pooled) { at, place in
            let here = n * part + at
            switch op.function {
            case .greatest: y[here] = place < 0 ? -.infinity : other[n * whole + place]
            case .take: y[here] = place < 0 ? 0 : other[n * whole + place]
            case .gradient: if place >= 0 { y[n * whole + place] += other[here] }
            }
          }
        }
      }
    }
  }

  /// Calls `body` with each element of an image's windows and where in the image its greatest one is; below 0 where none
  /// of its taps is inside.
  @inline(__always)
  func visitGreatest(
    of x: UnsafePointer<Double>, _ image: [Int], _ pooled: [Int], _ body: (Int, Int) -> Void
  ) {
    let (height, width, channels) = (image[1], image[2], image[3])
    let (rows, columns) = (size[0], size[1])
    let (down, across) = (dilation[0], dilation[1])
    var at = 0
    for p in 0..<pooled[1] {
      let top = p * strides[0] - padding[0]
      for q in 0..<pooled[2] {
        let left = q * strides[1] - padding[2]
        for channel in 0..<channels {
          var (best, value) = (-1, -Double.infinity)
          for tap in 0..<rows {
            let i = top + tap * down
            guard i >= 0, i < height else { continue }
            for tap in 0..<columns {
              let j = left + tap * across
              guard j >= 0, j < width else { continue }
              let place = (i * width + j) * channels + channel
              let next = x[place]
              // Without branches, which would be guessed wrong every other time.
              let wins = (best < 0 ? 1 : 0) | (next > value ? 1 : 0) | (next != next ? 1 : 0)
              best = wins != 0 ? place : best
              value = wins != 0 ? next : value
            }
          }
          body(at, best)
          at += 1
        }
      }
    }
  }
}

/// - Throws: `C8` unless the image has a row and a column: without any, padding alone could hold windows of nothing.
func requireElements(image: [Int]) throws(FirnError) {
  try require(
    image.count == 2 && image.allSatisfy((1...SlidingWindow.limit).contains), "C8", .shapeMismatch,
    "an image of \(image)", remedy: "give it at least one row and one column")
}

/// Rows and columns of a pool.
///
/// - Throws: `C3`, `C7` and `C8` of the pools.
func poolCounts(image: [Int], size: [Int], _ window: SlidingWindow) throws(FirnError) -> [Int] {
  try window.require()
  try require(
    size.count == 2 && size.allSatisfy((1...SlidingWindow.limit).contains), "C3", .invalidArgument,
    "a window of \(size)", remedy: "give a positive height and width")
  return try window.counts(image: image, taps: size, padding: { $0 - 1 })
}
