package import FirnGraph

/// Bits as truths again: the inverse of `pack_bits`.
///
/// y[…, i] = bit i mod 32 of x[…, ⌊i / 32⌋], i counted through the inner axes in row-major order
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `i32` | [outer…, ⌈n / 32⌉], n the product of `shape` |
/// | y | `bool` | [outer…, shape…] |
///
/// C1: x is `i32` and has an axis. C2: `shape` has no negative extent. C3: the last axis of x has as many words as n
/// bits take.
///
/// - Complexity: one pass, no FLOPs.
package struct UnpackBits: KernelOp {
  /// The inner extents of the result.
  package var shape: [Int]

  package init(shape: [Int]) { self.shape = shape }

  package static let mnemonics = ["unpack_bits"]
  package var mnemonic: String { "unpack_bits" }
  package var attributes: Attributes { ["shape": .ints(shape)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(shape: try attributes.ints("shape"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    try x.requireIndices("x", "C1")
    try require(
      x.shape.rank > 0, "C1", .shapeMismatch, "\(x) has no axis of words", remedy: "give it one")
    try require(
      shape.allSatisfy { $0 >= 0 }, "C2", .invalidArgument, "\(shape) has a negative extent",
      remedy: "give the extents that were packed")
    let count = shape.reduce(1) { $0.saturatingProduct($1) }
    try require(
      x.shape.last == Dim(PackBits.words(of: count)), "C3", .shapeMismatch,
      "\(x) has not the \(PackBits.words(of: count)) words of \(shape)",
      remedy: "give the extents that were packed")
    return [TensorType(.bool, Shape(x.shape.dropLast() + shape.map { Dim($0) }))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis < node.shape.rank - shape.count ? RowRule(self, allAlong: axis, in: node) : nil
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let count = shape.reduce(1, *)
    let words = PackBits.words(of: count)
    let total = results[0].elementCount == 0 ? 0 : operands[0].elementCount
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: Int32.self)
      let y = call.result(as: UInt8.self)
      call.inPieces(total, grain: elementGrain / PackBits.width) { start, pieces in
        for at in start..<start + pieces {
          let (row, word) = at.quotientAndRemainder(dividingBy: words)
          let first = word * PackBits.width
          unpackWord(
            UInt32(bitPattern: x[at]), y + (row * count + first), Swift.min(PackBits.width, count - first))
        }
      }
    }
  }
}

/// Writes the first `count` bits as truths.
@inline(__always)
private func unpackWord(_ word: UInt32, _ y: UnsafeMutablePointer<UInt8>, _ count: Int) {
  var at = 0
  while at + 8 <= count {
    // Bit i of byte i is left of eight copies; adding 127 carries what is left of each into its highest bit.
    let copies = UInt64(word >> UInt32(at) & 0xff) &* 0x0101_0101_0101_0101
    let left = copies & 0x8040_2010_0804_0201
    let truths = ((left &+ 0x7f7f_7f7f_7f7f_7f7f) & 0x8080_8080_8080_8080) >> 7
    UnsafeMutableRawPointer(y + at).storeBytes(of: truths.littleEndian, as: UInt64.self)
    at += 8
  }
  while at < count {
    y[at] = UInt8(word >> UInt32(at) & 1)
    at += 1
  }
}
