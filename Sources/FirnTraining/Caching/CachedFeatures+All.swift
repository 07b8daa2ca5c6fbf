import FirnCompiler
import FirnGraph
import FirnRuntime

extension CachedFeatures {
  /// As many examples as there are, of which nothing is fed but what is stored.
  var numbers: DataSet { DataSet(columns: [], count: data.count) }

  /// The stored values of all examples, each with the examples along its first axis.
  ///
  /// - Throws: what a run throws; `.invalidArgument` where they do not fit in memory.
  func all(inBatchesOf size: Int) throws(FirnError) -> FrozenFeatures {
    let arrays = try layout.parts.map { part throws(FirnError) in
      try NDArray(zeros: [data.count] + part.type.shape, dtype: part.type.dtype)
    }
    let step = fixedCount ?? min(size, max(1, data.count))
    for first in stride(from: 0, to: data.count, by: max(1, step)) {
      let range = first..<min(first + step, data.count)
      let records = try records(Array(range))
      for (part, array) in zip(layout.parts, arrays) where part.type.byteCount > 0 {
        let bytes = part.type.byteCount
        for (row, example) in range.enumerated() {
          (array.sharedStorage.pointer + example * bytes).copyMemory(
            from: records.pointer + row * layout.recordSize + part.offset, byteCount: bytes)
        }
      }
    }
    return FrozenFeatures(cut: cut, values: zip(divided.ports, arrays).map { ($0.name, $1) })
  }
}
