internal import CFirnKernels
package import FirnGraph

/// Where in each window of an image the greatest element stands, in a few bits; and what belongs to these places.
///
/// `max_pool2d_places(x)` is, for each window and channel, the number of the tap that is greatest, row by row, packed
/// channel by channel into words, from the least bit on. `max_pool2d_scatter(p, g)` adds each window's g at its place,
/// `max_pool2d_collect(p, t)` takes each window's t from there: with the places of x they are `max_pool2d_gradient(x, g)`
/// and `max_pool2d_take(x, t)`, bit for bit.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x, t | `f32`, `f64` | [n, height, width, channels] |
/// | p | `i32` | [n, rows, columns, ⌈channels / (32 / bits)⌉] |
/// | g | `f32`, `f64` | [n, rows, columns, channels] |
///
/// `bits` is the least of 1, 2, 4, 8, 16 and 32 that tells all taps of a window apart, and, of windows with gaps, that
/// none is inside the image.
///
/// C0 to C8 as of `max_pool2d`. C9: p has the places of the windows that such an image gives, and g is as its result;
/// `image` is the height and the width of what scatter returns.
///
/// - Complexity: one comparison for each tap and window; scattering and collecting one addition for each window.
package struct MaxPoolPlaces: KernelOp {
  package enum Function: String, CaseIterable, Sendable {
    case places = "max_pool2d_places"
    case scatter = "max_pool2d_scatter"
    case collect = "max_pool2d_collect"
  }

  package var function: Function
  /// The windows.
  package var pool: MaxPool
  /// Height and width of what scatter returns; nothing for others, whose operand has them.
  package var image: [Int]

  package init(_ function: Function, _ pool: MaxPool, image: [Int] = []) {
    (self.function, self.image) = (function, image)
    self.pool = pool
    self.pool.function = .greatest
  }

  package static let mnemonics = Function.allCases.map(\.rawValue)
  package var mnemonic: String { function.rawValue }
  package var attributes: Attributes {
    let image: Attributes = function == .scatter ? ["image": .ints(image)] : [:]
    return Attributes(pool.attributes.entries + image.entries)
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    function = try member(mnemonic, of: Function.self, family: "maximum pooling")
    pool = try MaxPool(mnemonic: MaxPool.Function.greatest.rawValue, attributes: attributes)
    image = function == .scatter ? try attributes.ints("image") : []
  }

  /// Bits of one place.
  private var bits: Int {
    // Only windows with gaps can have all taps beside the image.
    let taps = pool.size.reduce(1) { $0.saturatingProduct($1) }
    let codes = taps.saturatingSum(pool.dilation == [1, 1] ? 0 : 1)
    return [1, 2, 4, 8, 16].first { codes <= 1 << $0 } ?? 32
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(function == .places ? 1 : 2)
    if function == .places { return [places(of: try pool.resultTypes(of: operands)[0])] }
    let (p, other) = (operands[0], operands[1])
    try other.requireFloatingPoint("the other operand", "C2")
    try require(
      other.shape.rank == 4, "C1", .shapeMismatch, "\(other) has not four axes", remedy: "give it four")
    var x = other
    if function == .scatter {
      try require(
        image.count == 2, "C1", .invalidArgument, "an image of \(image)", remedy: "give height and width")
      x = TensorType(other.dtype, [other.shape[0], Dim(image[0]), Dim(image[1]), other.shape[3]])
    }
    let pooled = try pool.resultTypes(of: [x])[0]
    try require(
      p == places(of: pooled) && (function == .collect || other == pooled), "C9", .shapeMismatch,
      "\(p) and \(other), where the windows of \(x) have \(places(of: pooled)) and \(pooled)",
      remedy: "give one for each window")
    return [function == .scatter ? x : pooled]
  }

  private func places(of pooled: TensorType) -> TensorType {
    let (channels, each) = (pooled.shape[3].value ?? 0, 32 / bits)
    let words = channels / each + (channels % each == 0 ? 0 : 1)
    return TensorType(.i32, Shape(pooled.shape.dropLast() + [Dim(words)]))
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    function != .places && operand == 1 ? .passes : .notDifferentiable
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    guard function != .places else { return [nil] }
    let other = context.operands[1]
    let op =
      function == .scatter
      ? MaxPoolPlaces(.collect, pool)
      : MaxPoolPlaces(.scatter, pool, image: other.shape[1...2].map { $0.value ?? 0 })
    return [nil, context.wants[1] ? Graph.apply(op, to: [context.operands[0], context.cotangent])[0] : nil]
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    switch function {
    case .places:
      results[0].shape.dropLast().reduce(operands[0].shape[3]) { $0 * $1 } * Dim(pool.size[0])
        * Dim(pool.size[1])
    case .scatter: operands[1].shape.elementCount
    case .collect: 0
    }
  }

  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    // Images are pooled each by itself; channels share words.
    axis == 0 ? RowRule(self, allAlong: axis, in: node) : nil
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    if results[0].elementCount == 0 { return Kernel { (_: borrowing KernelCall) throws(FirnError) in } }
    let shape =
      switch function {
      case .places: operands[0].shape
      case .scatter: results[0].shape
      case .collect: operands[1].shape
      }
    let pooled = function == .places ? operands[0] : operands[1]
    let counts = (function == .scatter ? pooled.shape : results[0].shape)[1...2]
    let geometry = PoolGeometry(pool, image: shape, counts: Array(counts), bits: bits)
    return pooled.dtype == .f32 ? fast(geometry) : plain(geometry)
  }

  private func fast(_ geometry: PoolGeometry) -> Kernel {
    let (function, image, rows) = (function, geometry.image, geometry.counts[0])
    let window = geometry.window
    let bits = geometry.bits
    let grain = grain(ofItems: geometry.counts[1], image[3], pool.size[0], pool.size[1])
    let whole = image[1] * image[2] * image[3]
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      switch function {
      case .places:
        let (x, y) = (call.operand(0, as: Float.self), call.result(as: UInt32.self))
        call.inPieces(image[0] * rows, grain: grain) { start, count in
          var window = window
          firn_max_pool_places_f32(&window, x, bits, start, count, y)
        }
      case .collect:
        let (p, t) = (call.operand(0, as: UInt32.self), call.operand(1, as: Float.self))
        let y = call.result(as: Float.self)
        call.inPieces(image[0] * rows, grain: grain) { start, count in
          var window = window
          firn_max_pool_at_f32(FIRN_POOL_TAKE, &window, p, bits, t, start, count, y)
        }
      case .scatter:
        // Windows overlap, images do not.
        let (p, g) = (call.operand(0, as: UInt32.self), call.operand(1, as: Float.self))
        let y = call.result(as: Float.self)
        call.inPieces(image[0], grain: Swift.max(1, grain / Swift.max(rows, 1))) { start, count in
          var window = window
          (y + start * whole).update(repeating: 0, count: count * whole)
          firn_max_pool_at_f32(FIRN_POOL_SCATTER, &window, p, bits, g, start * rows, count * rows, y)
        }
      }
    }
  }

  private func plain(_ geometry: PoolGeometry) -> Kernel {
    let (function, pool) = (function, pool)
    let (image, part, whole) = (geometry.image, geometry.part, geometry.whole)
    let words = geometry.words
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      call.inPieces(image[0], grain: 1) { start, count in
        switch function {
        case .places:
          let (x, y) = (call.operand(0, as: Double.self), call.result(as: UInt32.self))
          (y + start * part / image[3] * words).update(repeating: 0, count: count * part / image[3] * words)
          for n in start..<start + count {
            pool.visitGreatest(of: x + n * whole, image, [image[0]] + geometry.counts) { at, place in
              let (row, column, channel) = geometry.window(at)
              let code = geometry.code(of: place < 0 ? nil : place, row, column)
              y[(n * part + at) / image[3] * words + channel / geometry.each] |=
                code << UInt32(channel % geometry.each * geometry.codeBits)
            }
          }
        case .scatter, .collect:
          let (p, other) = (call.operand(0, as: UInt32.self), call.operand(1, as: Double.self))
          let y = call.result(as: Double.self)
          if function == .scatter { (y + start * whole).update(repeating: 0, count: count * whole) }
          for n in start..<start + count {
            for at in 0..<part {
              let (row, column, channel) = geometry.window(at)
              let word = p[(n * part + at) / image[3] * words + channel / geometry.each]
              let place = geometry.place(word, row, column, channel)
              if function == .scatter {
                if let place { y[n * whole + place] += other[n * part + at] }
              } else {
                y[n * part + at] = place.map { other[n * whole + $0] } ?? 0
              }
            }
          }
        }
      }
    }
  }
}
