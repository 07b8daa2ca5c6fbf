internal import FirnFiles
internal import FirnGraph

/// Reads leveldb's table format, in which TensorFlow keeps the directory of a checkpoint.
///
/// Source: leveldb's `doc/table_format.md`; TensorFlow writes it without compression (`tensor_bundle.cc`).
struct TensorFlowTable {
  /// 0xdb4775248b80fb57, the lowest byte first; the last eight bytes of a file.
  static let magic: [UInt8] = [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]
  private static let footerSize = 48
  private static let trailerSize = 5

  /// In order of their keys.
  private(set) var rows: [(key: [UInt8], value: Bytes)] = []
  private let fault: FileFault

  /// - Parameter budget: for keys, which share their beginnings, so that few bytes can stand for many.
  init(_ bytes: Bytes, budget: inout ReadingBudget, fault: FileFault) throws(FirnError) {
    self.fault = fault
    guard let footer = bytes.slice(at: bytes.count - Self.footerSize, count: Self.footerSize) else {
      throw fault("is too short for the index of a TensorFlow checkpoint")
    }
    var reader = ByteReader(footer, fault: fault)
    _ = try Self.handle(from: &reader, fault: fault)
    let index = try block(try Self.handle(from: &reader, fault: fault), of: bytes)
    var end = 0
    for (_, value) in try Self.rows(of: index, budget: &budget, fault: fault) {
      var reader = ByteReader(value, fault: fault)
      let handle = try Self.handle(from: &reader, fault: fault)
      // Blocks stand one behind the other: so none is read twice.
      guard handle.offset >= end else { throw fault("has blocks that overlap") }
      end = handle.offset + handle.size
      rows += try Self.rows(of: try block(handle, of: bytes), budget: &budget, fault: fault)
    }
    for (a, b) in zip(rows, rows.dropFirst()) where !a.key.lexicographicallyPrecedes(b.key) {
      throw fault("has names that are not in order")
    }
  }

  private typealias Handle = (offset: Int, size: Int)

  private static func handle(from reader: inout ByteReader, fault: FileFault) throws(FirnError) -> Handle {
    guard let offset = Int(exactly: try reader.varint()), let size = Int(exactly: try reader.varint()),
      !offset.addingReportingOverflow(size).overflow
    else { throw fault("points outside itself") }
    return (offset, size)
  }

  private func block(_ handle: Handle, of bytes: Bytes) throws(FirnError) -> Bytes {
    guard
      let checked = bytes.slice(at: handle.offset, count: handle.size)
        .flatMap({ _ in bytes.slice(at: handle.offset, count: handle.size + 1) }),
      let stored = bytes.integer(at: handle.offset + handle.size + 1, as: UInt32.self),
      let contents = bytes.slice(at: handle.offset, count: handle.size)
    else { throw fault("points outside itself") }
    let checksum = CyclicRedundancyCheck.castagnoli.checksum(checked)
    guard CyclicRedundancyCheck.masked(checksum) == stored else { throw fault("has a wrong checksum") }
    guard checked[handle.size] == 0 else {
      throw fault("has a compressed index", remedy: "write the checkpoint anew with TensorFlow")
    }
    return contents
  }

  private static func rows(
    of block: Bytes, budget: inout ReadingBudget, fault: FileFault
  ) throws(FirnError) -> [(key: [UInt8], value: Bytes)] {
    guard let restarts = block.integer(at: block.count - 4, as: UInt32.self).map(Int.init),
      restarts <= (block.count - 4) / 4,
      let entries = block.slice(at: 0, count: block.count - 4 - 4 * restarts)
    else { throw fault("has a damaged block") }
    var rows: [(key: [UInt8], value: Bytes)] = []
    var key: [UInt8] = []
    var reader = ByteReader(entries, fault: fault)
    while !reader.isAtEnd {
      guard let shared = Int(exactly: try reader.varint()), let rest = Int(exactly: try reader.varint()),
        let size = Int(exactly: try reader.varint()), shared <= key.count
      else { throw fault("has a damaged block") }
      key.removeLast(key.count - shared)
      try reader.take(rest).withUnsafeBytes { key += $0 }
      try budget.take(ReadingBudget.member / 2 + key.count, "has names that grow without end")
      // A copy of its own size: the one that grows has room for twice as much.
      rows.append((key.withUnsafeBufferPointer { Array($0) }, try reader.take(size)))
    }
    return rows
  }
}
