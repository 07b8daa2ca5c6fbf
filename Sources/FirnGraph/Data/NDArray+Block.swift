extension NDArray {
  /// A copy of the elements of a block, which must lie within the array.
  package func block(_ block: Block) -> NDArray {
    var shape = shape
    shape[block.axis] = block.range.count
    var result = NDArray(cleared: ArrayType(dtype, shape))
    let runs = BlockRuns(block, of: self)
    result.withUnsafeMutableBytes { target in
      withUnsafeBytes { source in
        for (outer, offset) in runs.offsets {
          target[outer * runs.byteCount..<(outer + 1) * runs.byteCount].copyBytes(
            from: source[offset..<offset + runs.byteCount])
        }
      }
    }
    return result
  }

  /// With other elements in a block, whose type `part` must have.
  package func replacing(_ block: Block, with part: NDArray) -> NDArray {
    var result = self
    result.replace(block, with: part)
    return result
  }

  /// Writes other elements into a block, whose type `part` must have.
  ///
  /// - Complexity: that of the block, where nobody shares the storage.
  package mutating func replace(_ block: Block, with part: NDArray) {
    let runs = BlockRuns(block, of: self)
    withUnsafeMutableBytes { target in
      part.withUnsafeBytes { source in
        for (outer, offset) in runs.offsets {
          target[offset..<offset + runs.byteCount].copyBytes(
            from: source[outer * runs.byteCount..<(outer + 1) * runs.byteCount])
        }
      }
    }
  }
}

/// Where a block's elements lie: runs of equal length.
private struct BlockRuns {
  let byteCount: Int
  /// The number of each run, and the byte of the array it begins at.
  let offsets: [(Int, Int)]

  init(_ block: Block, of array: NDArray) {
    // Without elements there are no runs, and the products of huge extents no numbers.
    if array.elementCount == 0 {
      (byteCount, offsets) = (0, [])
      return
    }
    let inner = array.shape[(block.axis + 1)...].reduce(array.dtype.byteCount, *)
    let outer = array.shape[..<block.axis].reduce(1, *)
    byteCount = block.range.count * inner
    let stride = array.shape[block.axis] * inner
    offsets = (0..<outer).map { ($0, $0 * stride + block.range.lowerBound * inner) }
  }
}
