internal import CFirnKernels
package import FirnGraph

/// A kernel in a smaller type, rounded to nearest even, as the ops that multiply by it read it.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64` | any shape of numbers; a matrix where it is laid in panels |
/// | y | `i32` | the scales, as `f32`, then the numbers in their order, two or four a word; zeros fill the last |
///
/// `flat` has the numbers in the array's order, `panels` those of [k, n] in panels of 32 columns, as `pack` lays them,
/// `turned_panels` those of [n, k] transposed. `channel` is the axis of x along which `int8` has a scale for each
/// position, -1 of other types; scales of columns fill the last panel, with zeros.
///
/// C1: x has floating point numbers. C2: its extents are numbers. C3: in panels it is a matrix. C4: `channel` is one of
/// its axes. C5: it has fewer than 2³¹ elements.
///
/// ``FrozenStorage`` has the rounding, NaN and infinities.
///
/// - Complexity: one pass, of `int8` two; no FLOPs are counted.
package struct Store: KernelOp {
  package var storage: FrozenStorage
  package var channel: Int?
  var form: StoredLayout.Form

  init(_ storage: FrozenStorage, _ form: StoredLayout.Form = .flat, channel: Int? = nil) {
    (self.storage, self.form, self.channel) = (storage, form, storage.isScaled ? channel : nil)
  }

  package static let mnemonics = ["store"]
  package var mnemonic: String { "store" }
  package var attributes: Attributes {
    [
      "storage": .string(storage.description), "channel": .int(channel ?? -1), "form": .string(form.rawValue),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    (storage, channel) = try attributes.storage()
    form = try member(
      try attributes.string("form"), of: StoredLayout.Form.self, family: "form of a stored kernel")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    try x.requireFloatingPoint("x", "C1")
    guard let shape = x.shape.extents else {
      throw FirnError(
        .shapeMismatch, "\(x) has named extents", remedy: "store what has numbers as its extents",
        constraint: "C2")
    }
    let words = try StoredLayout.require(storage, form, shape: shape, channel: channel).words
    return [TensorType(.i32, [Dim(words)])]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }
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
    let shape = operands[0].shape
    let layout = StoredLayout(storage, form, shape: shape, channel: channel)
    return operands[0].dtype == .f32 ? fast(layout, shape) : plain(layout, shape)
  }

  /// Extents before the channels, of channels, and behind them.
  private func extents(round channel: Int, _ shape: [Int]) -> (outer: Int, channels: Int, inner: Int) {
    (shape[..<channel].reduce(1, *), shape[channel], shape[(channel + 1)...].reduce(1, *))
  }

  private func fast(_ layout: StoredLayout, _ shape: [Int]) -> Kernel {
    let (runs, words) = (layout.runs, layout.words)
    // Panels are laid by themselves, then rounded; their rows are whole words.
    let isPanelled = form != .flat
    let panel = runs.middle * runs.length
    let (row, column) = form == .turnedPanels ? (1, runs.middle) : (isPanelled ? shape[1] : 1, 1)
    let n = isPanelled ? (form == .panels ? shape[1] : shape[0]) : 0
    let extents = channel.map { self.extents(round: $0, shape) }
    let type = layout.type
    let workspace = isPanelled ? (panel * 4 + 63) / 64 * 64 : 0
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (x, y) = (call.operand(0, as: Float.self), call.result(as: Int32.self))
      let scratch = call.workspace
      if words == 0 { return }
      // Fills the last word, and scales beyond the last column.
      y[words - 1] = 0
      for at in layout.scales..<layout.paddedScales { y[at] = 0 }
      let scales = UnsafeMutableRawPointer(y).assumingMemoryBound(to: Float.self)
      if let extents {
        call.split(extents.channels, grain: grain(ofItems: extents.outer * extents.inner)) { range, _ in
          firn_stored_scales_f32(
            x, extents.outer, extents.channels, extents.inner, range.lowerBound, range.count, scales)
        }
      }
      let numbers = UnsafeMutableRawPointer(y + layout.paddedScales)
      let size = storage.byteCount
      if isPanelled {
        call.split(runs.outer, grain: grain(ofItems: panel)) { range, worker in
          let packed = (scratch + worker * workspace).assumingMemoryBound(to: Float.self)
          for outer in range {
            let first = outer * Pack.width
            firn_pack_f32(
              Swift.min(Pack.width, n - first), runs.middle, x + first * column, row, column, packed)
            var part = layout.runs(outer: 1)
            firn_narrow_f32(
              type, &part, packed, scales + outer * runs.scale_outer, numbers + outer * panel * size)
          }
        }
      } else if runs.outer == 1, runs.middle == 1, runs.scale_element == 0 {
        call.split(runs.length, grain: grain(ofItems: 1)) { range, _ in
          var part = runs
          part.length = range.count
          firn_narrow_f32(type, &part, x + range.lowerBound, scales, numbers + range.lowerBound * size)
        }
      } else {
        let block = runs.middle * runs.length
        call.split(runs.outer, grain: grain(ofItems: block)) { range, _ in
          var part = layout.runs(outer: range.count)
          let at = range.lowerBound * block
          firn_narrow_f32(
            type, &part, x + at, scales + range.lowerBound * runs.scale_outer, numbers + at * size)
        }
      }
    }
  }

  private func plain(_ layout: StoredLayout, _ shape: [Int]) -> Kernel {
    let (runs, words) = (layout.runs, layout.words)
    let extents = channel.map { self.extents(round: $0, shape) }
    /// Where the number of a place comes from; nil beyond the last column.
    @Sendable func source(_ outer: Int, _ middle: Int, _ element: Int) -> Int? {
      let column = outer * Pack.width + element
      switch form {
      case .flat: return (outer * runs.middle + middle) * runs.length + element
      case .panels: return column < shape[1] ? middle * shape[1] + column : nil
      case .turnedPanels: return column < shape[0] ? column * shape[1] + middle : nil
      }
    }
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (x, y) = (call.operand(0, as: Double.self), call.result(as: Int32.self))
      for at in 0..<words { y[at] = 0 }
      let scales = UnsafeMutableRawPointer(y).assumingMemoryBound(to: Float.self)
      if let extents {
        for channel in 0..<extents.channels {
          var largest = 0.0
          for outer in 0..<extents.outer {
            for inner in 0..<extents.inner {
              let value = x[(outer * extents.channels + channel) * extents.inner + inner].magnitude
              if value > largest || value.isNaN { largest = value }
            }
          }
          scales[channel] = StoredNumber.scale(largest: largest)
        }
      }
      let numbers = UnsafeMutableRawPointer(y + layout.paddedScales)
      for outer in 0..<runs.outer {
        for middle in 0..<runs.middle {
          for element in 0..<runs.length {
            let at = (outer * runs.middle + middle) * runs.length + element
            let value = source(outer, middle, element).map { x[$0] } ?? 0
            if storage.isScaled {
              let scale = scales[runs.scale(outer, middle, element)]
              numbers.storeBytes(
                of: StoredNumber.whole(value, scale: scale), toByteOffset: at, as: Int8.self)
            } else {
              numbers.storeBytes(
                of: StoredNumber.bits(value, storage), toByteOffset: 2 * at, as: UInt16.self)
            }
          }
        }
      }
    }
  }
}

extension StoredLayout {
  /// The layout of an array of this shape.
  ///
  /// - Throws: what it cannot be laid out so for: C3, C4, C5 of `store`.
  static func require(
    _ storage: FrozenStorage, _ form: Form, shape: [Int], channel: Int?
  ) throws(FirnError) -> StoredLayout {
    if form != .flat, shape.count != 2 {
      throw FirnError(
        .shapeMismatch, "\(shape) is no matrix to lay in panels", remedy: "store it flat", constraint: "C3")
    }
    guard channel.map(shape.indices.contains) ?? true, channel != nil || !storage.isScaled else {
      throw FirnError(
        .invalidArgument,
        "\(channel.map { "axis \($0)" } ?? "nothing") of \(shape) has the scales of `\(storage)`",
        remedy: "name one of its \(shape.count) axes", constraint: "C4")
    }
    // An extent of 0 makes none of the others smaller.
    let elements = shape.reduce(1) { $0.saturatingProduct(max($1, 1)) }
    guard shape.allSatisfy({ (0...Int(Int32.max)).contains($0) }), elements <= Int(Int32.max) else {
      throw FirnError(
        .invalidArgument, "\(shape) is too large to be stored", remedy: "leave it as it is", constraint: "C5")
    }
    return StoredLayout(storage, form, shape: shape, channel: channel)
  }
}
