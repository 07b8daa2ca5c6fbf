internal import CFirnKernels
internal import FirnGraph

/// A copy between two layouts, prepared: axes of one element dropped, neighbours that step alike merged.
///
/// Strides and offsets count elements.
struct StridedCopy: Sendable {
  private(set) var sizes: [Int] = []
  private(set) var source: [Int] = []
  private(set) var destination: [Int] = []
  fileprivate let elementSize: Int
  fileprivate let sourceOffset: Int
  fileprivate let destinationOffset: Int
  fileprivate let isEmpty: Bool
  fileprivate let splitAxis: Int
  fileprivate let grain: Int

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

  /// A kernel that does nothing else.
  var kernel: Kernel {
    let copies = PreparedCopies([self])
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in copies.run(0, call) }
  }
}

/// Copies as a kernel holds them: plain values outside of arrays, which would be counted in every run.
///
/// Sendable because nothing of it is written once it is made.
final class PreparedCopies: @unchecked Sendable {
  private struct Part {
    let elementSize: Int
    let sourceOffset: Int
    let destinationOffset: Int
    let isEmpty: Bool
    let splitAxis: Int
    let grain: Int
    let rank: Int
    /// Sizes, then the source's strides, then the destination's.
    let extents: UnsafeMutablePointer<Int>

    init(_ copy: StridedCopy) {
      elementSize = copy.elementSize
      sourceOffset = copy.sourceOffset
      destinationOffset = copy.destinationOffset
      isEmpty = copy.isEmpty
      splitAxis = copy.splitAxis
      grain = copy.grain
      rank = copy.sizes.count
      extents = .allocate(capacity: 3 * rank)
      for (index, extent) in (copy.sizes + copy.source + copy.destination).enumerated() {
        (extents + index).initialize(to: extent)
      }
    }

    /// Copies `count` items from `start` on along the axis that is split.
    func copy(_ start: Int, _ count: Int, from: UnsafeRawPointer, to: UnsafeMutableRawPointer) {
      let (source, destination) = (extents + rank, extents + 2 * rank)
      let from = from + (sourceOffset + start * source[splitAxis]) * elementSize
      let to = to + (destinationOffset + start * destination[splitAxis]) * elementSize
      if count == extents[splitAxis] { return copy(from, to, rank, extents, source, destination) }
      withUnsafeTemporaryAllocation(of: Int.self, capacity: rank) { part in
        for axis in 0..<rank { part[axis] = extents[axis] }
        part[splitAxis] = count
        if let sizes = part.baseAddress { copy(from, to, rank, sizes, source, destination) }
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
  }

  private let parts: UnsafeMutableBufferPointer<Part>

  init(_ copies: [StridedCopy]) {
    parts = .allocate(capacity: copies.count)
    _ = parts.initialize(from: copies.map { Part($0) })
  }

  deinit {
    for part in parts { part.extents.deallocate() }
    parts.deallocate()
  }

  var indices: Range<Int> { parts.indices }

  /// Does the copy at `index`, from one of a call's operands to one of its results.
  func run(_ index: Int, _ call: borrowing KernelCall, operand: Int = 0, result: Int = 0) {
    let part = parts[index]
    if part.isEmpty { return }
    let from = UnsafeRawPointer(call.operand(operand, as: UInt8.self))
    let to = UnsafeMutableRawPointer(call.result(result, as: UInt8.self))
    call.inPieces(part.extents[part.splitAxis], grain: part.grain) { start, count in
      part.copy(start, count, from: from, to: to)
    }
  }
}

/// Row-major strides.
func strides(of shape: [Int]) -> [Int] {
  shape.rowMajorStrides
}
