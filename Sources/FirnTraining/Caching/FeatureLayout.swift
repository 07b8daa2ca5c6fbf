import FirnCompiler
import FirnGraph
import FirnRuntime

/// How a record holds what is stored of one example: its part of each value, one behind the other.
struct FeatureLayout {
  /// A value's part of a record.
  struct Part {
    let port: SplitProgram.Port
    /// Of one example.
    let type: ArrayType
    let offset: Int
    /// What stands before the axis of the examples, and how many bytes each of these has of one example.
    let (outer, inner): (Int, Int)
  }

  let parts: [Part]
  let recordSize: Int

  /// - Precondition: all extents but that of the examples are numbers.
  init(_ ports: [SplitProgram.Port]) {
    var offset = 0
    parts = ports.map { port in
      guard let type = ArrayType(port.exampleType) else {
        firnBug("caching", "`\(port.name)` has an open shape: \(port.type)")
      }
      let outer = type.shape[..<port.axis].elementCount
      let inner = Array(type.shape[port.axis...]).elementCount * type.dtype.byteCount
      let part = Part(port: port, type: type, offset: offset, outer: outer, inner: inner)
      offset += type.byteCount
      return part
    }
    recordSize = offset
  }

  /// Copies the rows of a batch's values into records, one behind the other.
  ///
  /// - Parameter records: room for `count` records.
  func gather(_ values: [NDArray], count: Int, into records: UnsafeMutableRawBufferPointer) {
    for (part, value) in zip(parts, values) where part.type.byteCount > 0 {
      let extent = value.shape[part.port.axis]
      value.withUnsafeBytes { bytes in
        for row in 0..<count {
          for outer in 0..<part.outer {
            let from = (outer * extent + row) * part.inner
            let to = row * recordSize + part.offset + outer * part.inner
            UnsafeMutableRawBufferPointer(rebasing: records[to..<to + part.inner])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[from..<from + part.inner]))
          }
        }
      }
    }
  }

  /// The values of a batch, of its records one behind the other.
  func values(of records: UnsafeRawBufferPointer, count: Int) throws(FirnError) -> [NDArray] {
    try parts.map { part throws(FirnError) in
      var shape = part.type.shape
      shape.insert(count, at: part.port.axis)
      let array = try NDArray(zeros: shape, dtype: part.type.dtype)
      let target = UnsafeMutableRawBufferPointer(
        start: array.sharedStorage.pointer, count: array.byteCount)
      if target.isEmpty { return array }
      for row in 0..<count {
        for outer in 0..<part.outer {
          let from = row * recordSize + part.offset + outer * part.inner
          let to = (outer * count + row) * part.inner
          UnsafeMutableRawBufferPointer(rebasing: target[to..<to + part.inner])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: records[from..<from + part.inner]))
        }
      }
      return array
    }
  }
}
