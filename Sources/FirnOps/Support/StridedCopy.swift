internal import CFirnKernels
internal import FirnGraph

/// A copy between two layouts, prepared: axes of one element dropped, neighbours that step alike merged.
///
/// Strides and offsets count elements.
struct StridedCopy: Sendable {
  private(set) var sizes: [Int] = []
  private(set) var source: [Int] = []
  private(set) var destination: [Int] = []
  private let elementSize: Int
  private let sourceOffset: Int
  private let destinationOffset: Int
  private let isEmpty: Bool
  private let splitAxis: Int
  private let grain: Int

  init(
    elementSize: Int, sizes: [Int], source: [Int], sourceOffset: Int = 0, destination: [Int],
    destinationOffset: Int = 0
  ) {
    self.elementSize = elementSize
    self.sourceOffset = sourceOffset
    self.destinationOffset = destinationOffset
    isEmpty = sizes.contains(0)
    for axis in sizes.indices where sizes[axis] != 1 {
      if let last = self.sizes.indices.last, self.source[last] == source[axis] * sizes[axis],
        self.destination[last] == destination[axis] * sizes[axis]
      {
        self.sizes[last] *= sizes[axis]
        self.source[last] = source[axis]
        self.destination[last] = destination[axis]
      } else {
        self.sizes.append(sizes[axis])
        self.source.append(source[axis])
        self.destination.append(destination[axis])
      }
    }
    if self.sizes.isEmpty { (self.sizes, self.source, self.destination) = ([1], [1], [1]) }
    let extents = self.sizes
    splitAxis = extents[0] >= 8 ? 0 : extents.indices.max { extents[$0] < extents[$1] } ?? 0
    grain = FirnOps.grain(ofItems: isEmpty ? 1 : self.sizes.reduce(1, *) / self.sizes[splitAxis])
  }

  /// Copies `count` items from `start` on along the axis that is split.
  private func copy(
    _ start: Int, _ count: Int, from: UnsafeRawPointer, to: UnsafeMutableRawPointer
  ) {
    let from = from + (sourceOffset + start * source[splitAxis]) * elementSize
    let to = to + (destinationOffset + start * destination[splitAxis]) * elementSize
    withUnsafeTemporaryAllocation(of: Int.self, capacity: sizes.count) { part in
      for axis in sizes.indices { part[axis] = sizes[axis] }
      part[splitAxis] = count
      guard let sizes = part.baseAddress else { return }
      source.withUnsafeBufferPointer { source in
        destination.withUnsafeBufferPointer { destination in
          guard let s = source.baseAddress, let d = destination.baseAddress else { return }
          copy(from, to, part.count, sizes, s, d)
        }
      }
    }
  }

  /// The C kernel on its greatest rank; axes beyond by recursion.
  private func copy(
    _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ rank: Int, _ sizes: UnsafePointer<Int>,
    _ source: UnsafePointer<Int>, _ destination: UnsafePointer<Int>
  ) {
    if rank <= Int(FIRN_MAX_RANK) {
      firn_copy_strided(elementSize, rank, sizes, from, source, to, destination)
      return
    }
    for i in 0..<sizes[0] {
      copy(
        from + i * source[0] * elementSize, to + i * destination[0] * elementSize, rank - 1, sizes + 1,
        source + 1, destination + 1)
    }
  }

  func run(_ call: borrowing KernelCall, operand: Int = 0, result: Int = 0) {
    if isEmpty { return }
    let from = UnsafeRawPointer(call.operand(operand, as: UInt8.self))
    let to = UnsafeMutableRawPointer(call.result(result, as: UInt8.self))
    call.inPieces(sizes[splitAxis], grain: grain) { start, count in copy(start, count, from: from, to: to) }
  }

  /// A kernel that does nothing else.
  var kernel: Kernel {
    Kernel { (call: borrowing KernelCall) throws(FirnError) in run(call) }
  }
}

/// Row-major strides.
func strides(of shape: [Int]) -> [Int] {
  shape.rowMajorStrides
}
