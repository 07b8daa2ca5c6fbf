package import FirnFiles
package import FirnGraph

/// Writes zip files whose entries are stored as they are; 64-bit fields stand only where they are needed.
package struct ZipWriter {
  private struct Entry {
    var name: [UInt8]
    var checksum: UInt32
    var byteCount: Int
    var offset: Int
  }

  private let file: FileWriter
  private var entries: [Entry] = []

  package init(_ file: FileWriter) { self.file = file }

  /// Adds an entry of these two pieces, one after the other.
  package mutating func add(_ name: String, header: [UInt8], _ bytes: Bytes) throws(FirnError) {
    let entry = Entry(
      name: Array(name.utf8), checksum: Self.checksum(header, bytes),
      byteCount: header.count + bytes.count,
      offset: file.position)
    guard entry.name.count <= Int(UInt16.max) else {
      throw FirnError(.invalidArgument, "the name `\(name)` is too long for a zip file", remedy: "shorten it")
    }
    let isLarge = entry.byteCount >= Int(UInt32.max)
    var record = Record(magic: [0x50, 0x4B, 3, 4])
    record.add(entry, isLarge: isLarge)
    record.add(UInt16(entry.name.count))
    record.add(UInt16(isLarge ? 20 : 0))
    record.bytes += entry.name
    if isLarge {
      record.add(UInt16(1))
      record.add(UInt16(16))
      record.add(UInt64(entry.byteCount))
      record.add(UInt64(entry.byteCount))
    }
    try file.write(record.bytes)
    try file.write(header)
    try file.write(bytes)
    entries.append(entry)
  }

  /// Writes the directory, with which the file ends.
  package func finish() throws(FirnError) {
    let start = file.position
    for entry in entries {
      let isLarge = entry.byteCount >= Int(UInt32.max) || entry.offset >= Int(UInt32.max)
      var record = Record(magic: [0x50, 0x4B, 1, 2])
      record.add(UInt16(isLarge ? 45 : 20))
      record.add(entry, isLarge: isLarge)
      record.add(UInt16(entry.name.count))
      record.add(UInt16(isLarge ? 28 : 0))
      record.bytes += [UInt8](repeating: 0, count: 10)
      record.add(isLarge ? UInt32.max : UInt32(entry.offset))
      record.bytes += entry.name
      if isLarge {
        record.add(UInt16(1))
        record.add(UInt16(24))
        for value in [entry.byteCount, entry.byteCount, entry.offset] { record.add(UInt64(value)) }
      }
      try file.write(record.bytes)
    }
    let size = file.position - start
    let isLarge = entries.count >= Int(UInt16.max) || start + size >= Int(UInt32.max)
    if isLarge {
      let position = file.position
      var record = Record(magic: [0x50, 0x4B, 6, 6])
      record.add(UInt64(44))
      record.add(UInt16(45))
      record.add(UInt16(45))
      record.add(UInt64(0))
      for value in [entries.count, entries.count, size, start] { record.add(UInt64(value)) }
      record.bytes += [0x50, 0x4B, 6, 7, 0, 0, 0, 0]
      record.add(UInt64(position))
      record.add(UInt32(1))
      try file.write(record.bytes)
    }
    var record = Record(magic: [0x50, 0x4B, 5, 6])
    record.add(UInt32(0))
    for _ in 0..<2 { record.add(isLarge ? UInt16.max : UInt16(entries.count)) }
    for value in [size, start] { record.add(isLarge ? UInt32.max : UInt32(value)) }
    record.add(UInt16(0))
    try file.write(record.bytes)
  }

  private static func checksum(_ header: [UInt8], _ bytes: Bytes) -> UInt32 {
    let first = header.withUnsafeBytes { CyclicRedundancyCheck.zip.checksum($0) }
    return bytes.withUnsafeBytes { CyclicRedundancyCheck.zip.checksum($0, after: first) }
  }

  private struct Record {
    var bytes: [UInt8]

    init(magic: [UInt8]) { bytes = magic }

    mutating func add<Integer: FixedWidthInteger>(_ value: Integer) {
      withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }

    /// What local headers and the directory say alike: versions, flags (names are UTF-8), no packing, no time, sizes.
    mutating func add(_ entry: Entry, isLarge: Bool) {
      add(UInt16(isLarge ? 45 : 20))
      add(UInt16(0x800))
      add(UInt16(0))
      add(UInt16(0))
      // The first day a zip file can name: 1 January 1980.
      add(UInt16(0x21))
      add(entry.checksum)
      for _ in 0..<2 { add(isLarge ? UInt32.max : UInt32(entry.byteCount)) }
    }
  }
}
