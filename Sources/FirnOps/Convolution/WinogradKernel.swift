package import FirnGraph

/// A kernel with 3 × 3 taps as `winograd_convolution` reads it.
///
/// u[(s, t), q, c, l] = Σ G_si k[i, j, c, 32 q + l] G_tj, and 0 where 32 q + l ≥ features
///
/// | operand | type | |
/// | --- | --- | --- |
/// | k | `f32`, `f64` | [3, 3, channels, features] |
/// | u | as k | [(m + 2)², ⌈features / 32⌉, channels, 32] |
///
/// Of a kernel that is `turned` the taps are mirrored, and channels and features change places: so a convolution with u is
/// the gradient of the image of one with k. The sums are formed in `f64` and rounded once.
///
/// C1: k has four axes, the first two of extent 3. C2: its elements are floating point. C3: `tile`, m, is 2 or 4. C4: all
/// extents are numbers.
///
/// Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, section 4.
///
/// - Complexity: 2 FLOPs for each factor that is not 0, 128 or 392 a pair of channel and feature; u is 16/9 or 4 times as
///   large as k, or more where 32 does not divide the features.
package struct WinogradKernel: KernelOp {
  package var tile: Int
  package var turned: Bool

  package init(_ tile: WinogradTile, turned: Bool = false) {
    (self.tile, self.turned) = (tile.rawValue, turned)
  }

  package static let mnemonics = ["winograd_kernel"]
  package var mnemonic: String { "winograd_kernel" }
  package var attributes: Attributes { ["tile": .int(tile), "turned": .bool(turned)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    tile = try attributes.int("tile")
    turned = try attributes.bool("turned")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let k = operands[0]
    try require(
      k.shape.rank == 4 && k.shape[0] == 3 && k.shape[1] == 3, "C1", .shapeMismatch,
      "\(k) is no kernel [3, 3, channels, features]", remedy: "convolve without a transform")
    try k.requireFloatingPoint("the kernel", "C2")
    let transform = try WinogradTransform(number: tile)
    guard let channels = k.shape[turned ? 3 : 2].value, let features = k.shape[turned ? 2 : 3].value else {
      throw FirnError(
        .shapeMismatch, "\(k) has a named extent that must be a number", remedy: "give numbers",
        constraint: "C4")
    }
    return [
      TensorType(
        k.dtype,
        [Dim(transform.places), Dim(Pack.panels(of: features)), Dim(channels), Dim(Pack.width)])
    ]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  /// That of what it is made of written out: a product with the factors of taps, packed.
  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.differentiated { operands in
      guard let transform = try? WinogradTransform(number: tile), let k = operands.first else {
        firnBug("winograd_kernel", "a tile of \(tile)")
      }
      let (channels, features) = (k.shape[2], k.shape[3])
      let terms = transform.kernelTerms.flatMap { terms in
        (0..<9).map { tap in terms.first { $0.tap == tap }?.factor ?? 0 }
      }
      var taps = k
      if turned { taps = taps.applying(Reverse([0, 1])).permuted([0, 1, 3, 2]) }
      let (read, made) = turned ? (features, channels) : (channels, features)
      let factors = k.graph.constant(
        NDArray(ArrayType(k.dtype, [transform.places, 9]), rounding: terms))
      return factors.applying(MatMul(), taps.withShape([9, read * made]))
        .withShape([Dim(transform.places), read, made]).applying(Pack())
    }
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    let work = (try? WinogradTransform(number: tile))?.kernelWork ?? 0
    return operands[0].shape[2] * operands[0].shape[3] * Dim(work)
  }

  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  /// Channels stay by themselves; features are among others in a panel.
  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis == 2 ? RowRule(self, operands: [turned ? 3 : 2], results: [2]) : nil
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    guard let transform = try? WinogradTransform(number: tile) else {
      firnBug("winograd_kernel", "a tile of \(tile)")
    }
    let layout = Layout(transform, operands[0].shape, turned: turned)
    let isDouble = operands[0].dtype == .f64
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      if isDouble {
        layout.run(call, Double.self) { $0 }
      } else {
        layout.run(call, Float.self) { Float($0) }
      }
    }
  }

  /// Where taps lie, and what is made of them.
  private struct Layout: Sendable {
    let terms: [[(tap: Int, factor: Double)]]
    let channels: Int
    let features: Int
    /// From one channel to the next, and from one feature to the next.
    let steps: (channel: Int, feature: Int)
    /// From one tap to the next.
    let tap: Int

    init(_ transform: WinogradTransform, _ shape: [Int], turned: Bool) {
      let (channels, features) = (shape[2], shape[3])
      terms = transform.kernelTerms.map { terms in
        terms.map { (turned ? 8 - $0.tap : $0.tap, $0.factor) }
      }
      (self.channels, self.features) = turned ? (features, channels) : (channels, features)
      steps = turned ? (1, features) : (features, 1)
      tap = channels * features
    }

    /// Each channel of a panel by itself: all its places, from the taps of at most 32 features.
    @inline(__always)
    func run<Element: BinaryFloatingPoint>(
      _ call: borrowing KernelCall, _: Element.Type, _ rounded: (Double) -> Element
    ) {
      let (k, u) = (call.operand(0, as: Element.self), call.result(as: Element.self))
      let (width, panels) = (Pack.width, Pack.panels(of: features))
      let place = panels * channels * width
      call.inPieces(panels * channels, grain: grain(ofItems: terms.count, width)) { start, count in
        for row in start..<start + count {
          let first = row / channels * width
          let from = k + row % channels * steps.channel + first * steps.feature
          let some = Swift.min(width, features - first)
          for (number, terms) in terms.enumerated() {
            let to = u + number * place + row * width
            for l in 0..<some {
              var sum = 0.0
              for term in terms { sum += term.factor * Double(from[term.tap * tap + l * steps.feature]) }
              to[l] = rounded(sum)
            }
            for l in some..<width { to[l] = 0 }
          }
        }
      }
    }
  }
}

extension WinogradTransform {
  /// - Throws: `C3` where there is no such tile.
  init(number: Int) throws(FirnError) {
    guard let tile = WinogradTile(rawValue: number) else {
      throw FirnError(
        .invalidArgument, "tiles of \(number)×\(number) results", remedy: "make them 2×2 or 4×4",
        constraint: "C3")
    }
    self.init(tile)
  }
}

extension GradientContext {
  /// The gradients of an op with one result that is written out in other ops.
  func differentiated(_ writtenOut: ([Tensor]) -> Tensor) -> [Tensor?] {
    // One operand may be made of another, or be the same tensor: each gets its own share.
    let operands = self.operands.map { $0.applying(PassThrough(.identity)) }
    let result = writtenOut(operands)
    let wanted = wants.indices.filter { wants[$0] }
    let adjoints = differentiator.adjoints(
      of: [result.value], seeds: [cotangent], withRespectTo: wanted.map { operands[$0].value }, stopping: [],
      in: graph)
    var all = [Tensor?](repeating: nil, count: wants.count)
    for (operand, adjoint) in zip(wanted, adjoints) { all[operand] = adjoint }
    return all
  }
}
