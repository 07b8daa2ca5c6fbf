/// Elements that lie at regular distances from each other: a transposed, sliced or repeated view of bytes.
package struct StridedElements {
  private let shape: [Int]
  private let strides: [Int]

  /// - Parameter strides: elements from one index to the next along each axis of `shape`, none negative.
  package init(_ shape: [Int], strides: [Int]) {
    precondition(shape.count == strides.count)
    self.shape = shape
    self.strides = strides
  }

  /// The elements, of `byteCount` bytes each, one behind the other in row-major order.
  ///
  /// - Precondition: all elements lie within `source`, which need not be aligned.
  /// - Complexity: O(n).
  package func gathered(from source: UnsafeRawBufferPointer, byteCount: Int) -> Storage {
    let result = Storage(byteCount: shape.elementCount * byteCount)
    if result.byteCount == 0 { return result }
    let last = zip(shape, strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
    precondition((last + 1) * byteCount <= source.count, "elements outside the bytes they are taken from")
    switch byteCount {
    case 1: gather(from: source, to: result, as: UInt8.self)
    case 2: gather(from: source, to: result, as: UInt16.self)
    case 4: gather(from: source, to: result, as: UInt32.self)
    case 8: gather(from: source, to: result, as: UInt64.self)
    case 16: gather(from: source, to: result, as: SIMD2<UInt64>.self)
    default: firnBug("StridedElements", "elements of \(byteCount) bytes")
    }
    return result
  }

  private func gather<Bits: BitwiseCopyable>(
    from source: UnsafeRawBufferPointer, to storage: Storage, as: Bits.Type
  ) {
    let size = MemoryLayout<Bits>.size
    let target = UnsafeMutableBufferPointer(
      start: storage.pointer.bindMemory(to: Bits.self, capacity: storage.byteCount / size),
      count: storage.byteCount / size)
    let (width, step) = (shape.last ?? 1, strides.last ?? 1)
    var index = [Int](repeating: 0, count: max(shape.count - 1, 0))
    var (offset, position) = (0, 0)
    while position < target.count {
      for i in 0..<width {
        target[position + i] = source.loadUnaligned(
          fromByteOffset: (offset + i * step) * size, as: Bits.self)
      }
      position += width
      for axis in index.indices.reversed() {
        index[axis] += 1
        offset += strides[axis]
        if index[axis] < shape[axis] { break }
        offset -= strides[axis] * shape[axis]
        index[axis] = 0
      }
    }
  }
}
