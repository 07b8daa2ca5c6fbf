package import FirnGraph

/// Truths as bits, 32 of them in one element: what a mask takes where it is kept from one part of a step to the other.
///
/// y[…, q] has as its bit l, from the least on, x[…, 32 q + l], and 0 where that is beyond the end.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `bool` | [outer…, inner…], the inner axes from `axis` on |
/// | y | `i32` | [outer…, ⌈n / 32⌉], n the product of the inner extents |
///
/// C1: x is `bool`. C2: `axis` is one of x's axes. C3: the inner extents are numbers: how many words there are is no
/// polynomial of a dimension.
///
/// - Complexity: one pass, no FLOPs.
package struct PackBits: KernelOp {
  /// The first of the axes that are packed together.
  package var axis: Int

  package init(axis: Int) { self.axis = axis }

  /// Bits in an element.
  static let width = 32

  /// How many words so many bits take.
  static func words(of count: Int) -> Int { count / width + (count % width == 0 ? 0 : 1) }

  package static let mnemonics = ["pack_bits"]
  package var mnemonic: String { "pack_bits" }
  package var attributes: Attributes { ["axis": .int(axis)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(axis: try attributes.int("axis"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    try require(
      x.dtype == .bool, "C1", .typeMismatch, "x is \(x), not bool", remedy: "compare it with something")
    try x.requireAxis(axis, "C2")
    let inner = Shape(Array(x.shape[axis...]))
    guard let count = inner.elementCount.value, count >= 0 else {
      throw FirnError(
        .shapeMismatch, "\(inner) is no number of bits", remedy: "pack inner axes alone",
        constraint: "C3")
    }
    return [TensorType(.i32, Shape(x.shape[..<axis] + [Dim(Self.words(of: count))]))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis < self.axis ? RowRule(self, allAlong: axis, in: node) : nil
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let count = operands[0].shape[axis...].reduce(1, *)
    let words = Self.words(of: count)
    let total = results[0].elementCount
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: UInt8.self)
      let y = call.result(as: Int32.self)
      call.inPieces(total, grain: elementGrain / Self.width) { start, pieces in
        for at in start..<start + pieces {
          let (row, word) = at.quotientAndRemainder(dividingBy: words)
          let first = word * Self.width
          y[at] = Int32(
            bitPattern: packedWord(x + (row * count + first), Swift.min(Self.width, count - first)))
        }
      }
    }
  }
}

/// The first `count` truths from `x` on as bits.
@inline(__always)
private func packedWord(_ x: UnsafePointer<UInt8>, _ count: Int) -> UInt32 {
  var word: UInt32 = 0
  var at = 0
  while at + 8 <= count {
    // Each byte is 0 or 1; the product brings byte i to bit 56 + i, and no two terms meet.
    let bytes = UInt64(littleEndian: UnsafeRawPointer(x + at).loadUnaligned(as: UInt64.self))
    word |= UInt32(truncatingIfNeeded: (bytes &* 0x0102_0408_1020_4080) >> 56) << UInt32(at)
    at += 8
  }
  while at < count {
    word |= UInt32(x[at]) << UInt32(at)
    at += 1
  }
  return word
}
