package import FirnGraph

/// A first-order linear recurrence along one axis: what the gradient of a product is made of.
///
/// y[…, j, …] = a[…, j, …] y[…, j - 1, …] + b[…, j, …], with a[…, j - 1, …] if `exclusive`; j + 1 for j - 1 if `reversed`
///
/// | operand | type | |
/// | --- | --- | --- |
/// | a | `f32`, `f64` | the factors |
/// | b | as a | the summands; the result has its type |
///
/// C1: shapes are equal. C2: element types are equal. C3: they are floating point. C4: `axis` is one of their axes.
///
/// The first element is b's. Each is rounded twice, after the product and after the sum.
///
/// The adjoint of b is the recurrence the other way, inclusive for an exclusive one and the other way round; so
/// derivatives of every order take the memory of a few arrays, and no division makes a factor of 0 a case of its own.
///
/// - Complexity: one pass, 2 FLOPs an element.
package struct LinearRecurrence: KernelOp {
  package var axis: Int
  package var isExclusive: Bool
  package var isReversed: Bool

  package init(axis: Int, isExclusive: Bool = false, isReversed: Bool = false) {
    self.axis = axis
    self.isExclusive = isExclusive
    self.isReversed = isReversed
  }

  package static let mnemonics = ["linear_recurrence"]
  package var mnemonic: String { "linear_recurrence" }
  package var attributes: Attributes {
    ["axis": .int(axis), "exclusive": .bool(isExclusive), "reversed": .bool(isReversed)]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    axis = try attributes.int("axis")
    isExclusive = try attributes.bool("exclusive")
    isReversed = try attributes.bool("reversed")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    try requireAlike(operands)
    try operands[0].requireFloatingPoint("operands", "C3")
    try operands[0].requireAxis(axis, "C4")
    return [operands[0]]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (g, a, y) = (context.cotangent, context.operands[0], context.results[0])
    let opposite = LinearRecurrence(axis: axis, isExclusive: !isExclusive, isReversed: !isReversed)
    let adjoint = a.applying(opposite, g)
    return context.adjoints(
      {
        // A factor scales the element before: its own step's, or for an exclusive one the next step's.
        isExclusive
          ? adjoint.moved(along: axis, forwards: isReversed) * y
          : adjoint * y.moved(along: axis, forwards: !isReversed)
      }, { adjoint })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount * 2
  }

  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis == self.axis ? nil : RowRule(self, allAlong: axis, in: node)
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  /// In the place of b it would be wrong where a and b are one tensor.
  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    switch operands[0].dtype {
    case .f32: kernel(operands[0].shape, Float.self)
    case .f64: kernel(operands[0].shape, Double.self)
    case .i32, .bool: firnBug("linear-recurrence", "\(mnemonic) of \(operands[0])")
    }
  }

  /// Row after row of what lies inside the axis, one vector of them at a time.
  private func kernel<T: BinaryFloatingPoint & Sendable>(_ shape: [Int], _: T.Type) -> Kernel {
    let count = shape[axis]
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = count == 0 ? 0 : shape[..<axis].reduce(1, *)
    let step = isReversed ? -inner : inner
    let first = isReversed ? (count - 1) * inner : 0
    let lag = isExclusive ? step : 0
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (a, b) = (call.operand(0, as: T.self), call.operand(1, as: T.self))
      let y = call.result(as: T.self)
      // Pieces of one outer slice at most, so that each is a run of neighbours.
      call.inPieces(outer * inner, grain: grain(ofItems: count)) { start, n in
        var begin = start
        while begin < start + n {
          let width = Swift.min(inner - begin % inner, start + n - begin)
          var at = begin / inner * count * inner + begin % inner + first
          for i in at..<at + width { y[i] = b[i] }
          for _ in 1..<count {
            at += step
            for i in at..<at + width {
              let product = a[i - lag] * y[i - step]
              y[i] = product + b[i]
            }
          }
          begin += width
        }
      }
    }
  }
}

extension Tensor {
  /// Every element one place on along `axis`, or one back; 0 comes in at the end that is left free.
  fileprivate func moved(along axis: Int, forwards: Bool) -> Tensor {
    let none = [Dim](repeating: 0, count: rank)
    var one = none
    one[axis] = 1
    let count = shape[axis]
    return forwards
      ? padded(low: one, high: none).sliced(axis: axis, from: 0, to: count)
      : padded(low: none, high: one).sliced(axis: axis, from: 1, to: count + 1)
  }

  /// For each element the product of all others along the last axis: of those before it, and of those behind it.
  ///
  /// Takes the memory of a few arrays, and divides nothing.
  func productsOfOthers() -> Tensor {
    let axis = rank - 1
    let isFirst = equal(graph.iota(shape[axis]), 0).cast(to: dtype)
    let one = isFirst.repeated(to: shape)
    let before = applying(LinearRecurrence(axis: axis, isExclusive: true), one)
    let behind = applying(
      LinearRecurrence(axis: axis, isExclusive: true, isReversed: true), one.reversed(axes: [axis]))
    return before * behind
  }
}
