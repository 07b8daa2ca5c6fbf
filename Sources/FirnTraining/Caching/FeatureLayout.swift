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
    /// How often the examples follow one another, and how many bytes there are of each at once.
    let (outer, inner): (Int, Int)
    /// Rows of one example along the axis of the examples.
    let rows: Int
    private let shape: [Int]

    init(_ port: SplitProgram.Port, at offset: Int) {
      guard let type = ArrayType(port.exampleType), let outer = port.outer.value, let inner = port.inner.value
      else { firnBug("caching", "`\(port.name)` has an open shape: \(port.type)") }
      (self.port, self.type, self.offset) = (port, type, offset)
      rows = outer * inner
      var shape = type.shape
      if outer == 1, inner == 1 { shape.insert(1, at: port.axis) }
      self.shape = shape
      self.outer = Array(shape[..<port.axis]).elementCount * outer
      self.inner = Array(shape[(port.axis + 1)...]).elementCount * inner * type.dtype.byteCount
    }

    /// Of so many examples.
    func shape(of count: Int) -> [Int] {
      var result = shape
      result[port.axis] = rows * count
      return result
    }
  }

  let parts: [Part]
  let recordSize: Int

  /// - Precondition: all extents but that of the examples are numbers.
  init(_ ports: [SplitProgram.Port]) {
    var offset = 0
    parts = ports.map { port in
      let part = Part(port, at: offset)
      offset += part.type.byteCount
      return part
    }
    recordSize = offset
  }

  /// Copies the rows of a batch's values into records, one behind the other.
  ///
  /// - Parameter records: room for `count` records.
  func gather(_ values: [NDArray], count: Int, into records: UnsafeMutableRawBufferPointer) {
    for (part, value) in zip(parts, values) where part.type.byteCount > 0 {
      let extent = value.shape[part.port.axis] / part.rows
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

  /// The values of a batch, of where the record of each example lies.
  func values(of records: [UnsafeRawPointer]) throws(FirnError) -> [NDArray] {
    var arrays: [NDArray] = []
    arrays.reserveCapacity(parts.count)
    for part in parts {
      let array = try NDArray(zeros: part.shape(of: records.count), dtype: part.type.dtype)
      let target = array.sharedStorage.pointer
      let (offset, outer, inner, count) = (part.offset, part.outer, part.inner, records.count)
      if inner > 0 {
        for row in 0..<count {
          for number in 0..<outer {
            (target + (number * count + row) * inner).copyMemory(
              from: records[row] + (offset + number * inner), byteCount: inner)
          }
        }
      }
      arrays.append(array)
    }
    return arrays
  }

  /// The values of a batch, of its records one behind the other.
  func values(of records: UnsafeRawBufferPointer, count: Int) throws(FirnError) -> [NDArray] {
    // Of nothing there is no address, and nothing is read.
    let base = records.baseAddress.map { UnsafeRawPointer($0) }
    guard let base else {
      return try parts.map { part throws(FirnError) in
        try NDArray(zeros: part.shape(of: count), dtype: part.type.dtype)
      }
    }
    return try values(of: (0..<count).map { base + $0 * recordSize })
  }
}
