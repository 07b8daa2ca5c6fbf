internal import CFirnKernels
package import FirnGraph

/// The numbers of a kernel that `store` has put into a smaller type.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | y | `i32` | [words], as `store` makes them |
/// | x | `dtype` | `shape`: what was stored, rounded |
///
/// Numbers are exact; of `int8` each is the `f32` nearest to the whole number times its scale. The other attributes are
/// those of `store`. C1: `dtype` is floating point. C2: `shape` has numbers only. C3: in panels it is a matrix. C4:
/// `channel` is one of its axes. C5: y has the words of that shape.
///
/// Steps make it anew each time, next to who reads it: what is bound is the smaller buffer.
///
/// - Complexity: one pass, no FLOPs are counted.
package struct Widen: KernelOp {
  package var storage: FrozenStorage
  package var channel: Int?
  var form: StoredLayout.Form
  package var type: TensorType

  init(_ storage: FrozenStorage, _ form: StoredLayout.Form = .flat, channel: Int? = nil, to type: TensorType)
  {
    (self.storage, self.form, self.channel) = (storage, form, storage.isScaled ? channel : nil)
    self.type = type
  }

  package static let mnemonics = ["widen"]
  package var mnemonic: String { "widen" }
  package var attributes: Attributes {
    [
      "storage": .string(storage.description), "channel": .int(channel ?? -1), "form": .string(form.rawValue),
      "dtype": .dtype(type.dtype), "shape": .shape(type.shape),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    (storage, channel) = try attributes.storage()
    form = try member(
      try attributes.string("form"), of: StoredLayout.Form.self, family: "form of a stored kernel")
    type = TensorType(try attributes.dtype("dtype"), try attributes.shape("shape"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    try type.requireFloatingPoint("x", "C1")
    guard let shape = type.shape.extents else {
      throw FirnError(
        .shapeMismatch, "\(type) has named extents", remedy: "give numbers as its extents", constraint: "C2")
    }
    let words = try StoredLayout.require(storage, form, shape: shape, channel: channel).words
    try operands[0].requireStored(words: words, "C5")
    return [type]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var numerics: Numerics { .moving }
  package var canFail: Bool { false }
  package var isMadeWhereRead: Bool { true }
  package var isElementwise: Bool { false }
  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? { nil }
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .notKnown }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }
  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let shape = results[0].shape
    let layout = StoredLayout(storage, form, shape: shape, channel: channel)
    if results[0].elementCount == 0 { return Kernel { (call: borrowing KernelCall) throws(FirnError) in } }
    if results[0].dtype == .f64 { return plain(layout, shape) }
    return form == .flat ? flat(layout) : panels(layout, shape)
  }

  private func flat(_ layout: StoredLayout) -> Kernel {
    let (type, size, runs) = (layout.type, storage.byteCount, layout.runs)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (scales, numbers) = layout.parts(of: call.operand(0))
      let x = call.result(as: Float.self)
      if runs.outer == 1, runs.middle == 1 {
        call.split(runs.length, grain: grain(ofItems: 1)) { range, _ in
          var part = runs
          part.length = range.count
          firn_widen_f32(
            type, &part, numbers + range.lowerBound * size, scales + range.lowerBound * runs.scale_element,
            x + range.lowerBound)
        }
        return
      }
      // Along what there is more of.
      let isOuter = runs.outer >= runs.middle
      let block = isOuter ? runs.middle * runs.length : runs.length
      call.split(isOuter ? runs.outer : runs.middle, grain: grain(ofItems: block)) { range, _ in
        var part = isOuter ? layout.runs(outer: range.count) : layout.runs(outer: 1, middle: range.count)
        for outer in 0..<(isOuter ? 1 : runs.outer) {
          let at = (isOuter ? 0 : outer * runs.middle * runs.length) + range.lowerBound * block
          let scale =
            isOuter
            ? range.lowerBound * runs.scale_outer
            : outer * runs.scale_outer + range.lowerBound * runs.scale_middle
          firn_widen_f32(type, &part, numbers + at * size, scales + scale, x + at)
        }
      }
    }
  }

  /// Row by row of a panel; graphs that are differentiated after compiling alone have it.
  private func panels(_ layout: StoredLayout, _ shape: [Int]) -> Kernel {
    let (type, size, runs) = (layout.type, storage.byteCount, layout.runs)
    let (row, column) = form == .panels ? (shape[1], 1) : (1, shape[1])
    let n = form == .panels ? shape[1] : shape[0]
    return Kernel(workspaceBytes: Pack.width * 4) { (call: borrowing KernelCall) throws(FirnError) in
      let (scales, numbers) = layout.parts(of: call.operand(0))
      let x = call.result(as: Float.self)
      let scratch = call.workspace
      call.split(runs.outer * runs.middle, grain: grain(ofItems: Pack.width)) { range, worker in
        let some = (scratch + worker * Pack.width * 4).assumingMemoryBound(to: Float.self)
        for place in range {
          let (outer, middle) = (place / runs.middle, place % runs.middle)
          var part = layout.runs(outer: 1, middle: 1)
          firn_widen_f32(
            type, &part, numbers + place * Pack.width * size, scales + runs.scale(outer, middle, 0), some)
          let to = x + middle * row + outer * Pack.width * column
          for l in 0..<Swift.min(Pack.width, n - outer * Pack.width) { to[l * column] = some[l] }
        }
      }
    }
  }

  private func plain(_ layout: StoredLayout, _ shape: [Int]) -> Kernel {
    let runs = layout.runs
    let (row, column) = form == .turnedPanels ? (1, shape[1]) : (form == .panels ? shape[1] : 0, 1)
    let n = form == .panels ? shape[1] : form == .turnedPanels ? shape[0] : 0
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let words = call.operand(0, as: Int32.self)
      let x = call.result(as: Double.self)
      for outer in 0..<runs.outer {
        for middle in 0..<runs.middle {
          for element in 0..<runs.length {
            let number = layout.number(outer, middle, element, in: words)
            if form == .flat {
              x[(outer * runs.middle + middle) * runs.length + element] = number
            } else if outer * Pack.width + element < n {
              x[middle * row + (outer * Pack.width + element) * column] = number
            }
          }
        }
      }
    }
  }
}

extension TensorType {
  /// - Throws: where these are not so many words of a stored kernel.
  func requireStored(words: Int, _ constraint: String) throws(FirnError) {
    if dtype == .i32, shape == [Dim(words)] { return }
    throw FirnError(
      .shapeMismatch, "\(self) are not the \(words) words of what was stored",
      remedy: "give what `store` made of it", constraint: constraint)
  }
}
