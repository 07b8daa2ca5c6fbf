internal import CFirnKernels
internal import FirnGraph

/// Elements below which splitting costs more than it gains.
let elementGrain = 32 * 1024

extension KernelCall {
  /// Calls `body` with starts and counts of pieces that cover `0..<count`, at once where that pays.
  @inline(__always)
  borrowing func inPieces(_ count: Int, grain: Int = elementGrain, _ body: (Int, Int) -> Void) {
    split(count, grain: grain) { range, _ in body(range.lowerBound, range.count) }
  }
}

/// How many items make a piece worth handing to a worker, where one is as many elements as the product of `factors`.
func grain(ofItems factors: Int...) -> Int {
  // Beyond the grain it does not matter how far, and no product of extents may overflow.
  let work = factors.reduce(1) { Swift.min($0 * Swift.min($1, elementGrain), elementGrain) }
  return Swift.max(1, elementGrain / Swift.max(work, 1))
}

@inline(__always)
func mapEach<A, R>(
  _ a: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ count: Int, _: A.Type, _: R.Type, _ body: (A) -> R
) {
  let (a, y) = (a.assumingMemoryBound(to: A.self), y.assumingMemoryBound(to: R.self))
  for i in 0..<count { y[i] = body(a[i]) }
}

@inline(__always)
func mapEach<A, R>(
  _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ count: Int, _: A.Type,
  _: R.Type, _ body: (A, A) -> R
) {
  let (a, b) = (a.assumingMemoryBound(to: A.self), b.assumingMemoryBound(to: A.self))
  let y = y.assumingMemoryBound(to: R.self)
  for i in 0..<count { y[i] = body(a[i], b[i]) }
}

/// Fills a buffer of `type` with `value`, as its element type holds it.
func fill(_ buffer: UnsafeMutableRawPointer, _ type: ArrayType, with value: Double) {
  let count = type.elementCount
  switch type.dtype {
  case .f32:
    firn_fill_32(Float(value).bitPattern, buffer.assumingMemoryBound(to: UInt32.self), count)
  case .f64:
    buffer.assumingMemoryBound(to: Double.self).update(repeating: value, count: count)
  case .i32:
    let bits = UInt32(bitPattern: Int32(exactlyOrRounded: value))
    firn_fill_32(bits, buffer.assumingMemoryBound(to: UInt32.self), count)
  case .bool:
    buffer.assumingMemoryBound(to: UInt8.self).update(repeating: value == 0 ? 0 : 1, count: count)
  }
}
