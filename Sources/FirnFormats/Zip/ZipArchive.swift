package import FirnFiles
package import FirnGraph

/// Reads zip files (PKWARE APPNOTE 6.3), 64-bit ones too: stored and deflated entries, sizes from the central
/// directory.
///
/// Refused are encryption, several volumes, entries that overlap or share a name, and local headers that disagree with
/// the directory.
package struct ZipArchive: Sendable {
  package static let magic: [UInt8] = [0x50, 0x4B, 3, 4]
  /// With which a file without entries starts.
  package static let emptyMagic: [UInt8] = [0x50, 0x4B, 5, 6]

  package struct Entry: Sendable {
    package let name: String
    package let isDeflated: Bool
    let checksum: UInt32
    let packed: Bytes
    /// Unpacked.
    package let byteCount: Int
  }

  /// In the order of the directory.
  package let entries: [Entry]
  private let positions: [ByteName: Int]
  private let fault: FileFault
  /// Whether contents are held against their checksums.
  var isChecked = true

  package subscript(name: String) -> Entry? { positions[ByteName(name)].map { entries[$0] } }

  package init(_ bytes: Bytes, fault: FileFault) throws(FirnError) {
    var budget = ReadingBudget(bytes.count, fault: fault)
    try self.init(bytes, budget: &budget, fault: fault)
  }

  init(_ bytes: Bytes, budget: inout ReadingBudget, fault: FileFault) throws(FirnError) {
    self.fault = fault
    let directory = try Self.directory(of: bytes, fault: fault)
    var reader = ByteReader(directory.bytes, fault: fault)
    var entries: [Entry] = []
    var positions: [ByteName: Int] = [:]
    var extents: [(start: Int, end: Int)] = []
    while !reader.isAtEnd {
      let header = try Self.header(from: &reader, fault: fault)
      try budget.take(ReadingBudget.member + 2 * header.name.utf8.count)
      let (packed, end) = try Self.packed(header, in: bytes, before: directory.start, fault: fault)
      extents.append((header.offset, end))
      guard positions.updateValue(entries.count, forKey: ByteName(header.name)) == nil else {
        throw fault("holds `\(header.name)` twice", place: header.name)
      }
      entries.append(
        Entry(
          name: header.name, isDeflated: header.method == 8, checksum: header.checksum, packed: packed,
          byteCount: header.byteCount))
    }
    guard entries.count == directory.count else {
      throw fault("does not hold as many entries as it announces")
    }
    extents.sort { $0 < $1 }
    for (a, b) in zip(extents, extents.dropFirst()) where b.start < a.end {
      throw fault("has entries that overlap, as zip bombs do")
    }
    self.entries = entries
    self.positions = positions
  }

  /// Whether anything has a checksum: PyTorch writes none after `set_crc32_options(False)`.
  var hasChecksums: Bool { entries.contains { $0.checksum != 0 } }

  /// The unpacked bytes, in place where they are stored.
  ///
  /// - Throws: where size or checksum differ from the directory's.
  package func contents(of entry: Entry) throws(FirnError) -> Bytes {
    let bytes =
      entry.isDeflated
      ? try Inflate.unpack(entry.packed, count: entry.byteCount, fault: fault) : entry.packed
    guard !isChecked || CyclicRedundancyCheck.zip.checksum(bytes) == entry.checksum else {
      throw fault("holds `\(entry.name)` with a wrong checksum", place: entry.name)
    }
    return bytes
  }

  /// The first bytes, unpacked but not checked.
  package func prefix(of entry: Entry, atMost limit: Int) throws(FirnError) -> Bytes {
    if entry.isDeflated {
      return try Inflate.unpack(entry.packed, atMost: min(limit, entry.byteCount), fault: fault)
    }
    return entry.packed.slice(at: 0, count: min(limit, entry.packed.count)) ?? entry.packed
  }

  // MARK: Parts

  private struct Header {
    var name: String
    var method: Int
    var checksum: UInt32
    var packedCount: Int
    var byteCount: Int
    var offset: Int
  }

  private static func directory(
    of bytes: Bytes, fault: FileFault
  ) throws(FirnError) -> (bytes: Bytes, start: Int, count: Int) {
    guard let end = findEnd(of: bytes) else { throw fault("has no zip directory at its end") }
    var reader = ByteReader(bytes, at: end + 4, fault: fault)
    let disks = (try reader.integer(UInt16.self), try reader.integer(UInt16.self))
    var counts = (try reader.size(UInt16.self), try reader.size(UInt16.self))
    var size = try reader.size(UInt32.self)
    var start = try reader.size(UInt32.self)
    var limit = end
    var isWhole = disks == (0, 0)
    if bytes.starts(with: [0x50, 0x4B, 6, 7], at: end - 20) {
      var locator = ByteReader(bytes, at: end - 16, fault: fault)
      isWhole = try locator.integer(UInt32.self) == 0
      let position = try locator.size(UInt64.self)
      guard position < end - 20, bytes.starts(with: [0x50, 0x4B, 6, 6], at: position) else {
        throw fault("has a damaged 64-bit zip directory")
      }
      reader = ByteReader(bytes, at: position + 16, fault: fault)
      isWhole = try reader.integer(UInt64.self) == 0 && isWhole
      counts = (try reader.size(UInt64.self), try reader.size(UInt64.self))
      size = try reader.size(UInt64.self)
      start = try reader.size(UInt64.self)
      limit = position
    }
    guard isWhole, counts.0 == counts.1 else { throw fault("is part of a zip file in several volumes") }
    guard start <= limit, size == limit - start, let directory = bytes.slice(at: start, count: size) else {
      throw fault("has a zip directory that is not where it says")
    }
    return (directory, start, counts.0)
  }

  /// The last record whose comment reaches to the end of the file.
  private static func findEnd(of bytes: Bytes) -> Int? {
    var position = bytes.count - 22
    while position >= 0, position >= bytes.count - 22 - Int(UInt16.max) {
      if bytes.starts(with: emptyMagic, at: position),
        bytes.integer(at: position + 20, as: UInt16.self).map(Int.init) == bytes.count - position - 22
      {
        return position
      }
      position -= 1
    }
    return nil
  }

  private static func header(from reader: inout ByteReader, fault: FileFault) throws(FirnError) -> Header {
    guard try reader.take(4).starts(with: [0x50, 0x4B, 1, 2]) else {
      throw fault("has a damaged zip directory")
    }
    _ = try reader.take(4)
    let flags = try reader.integer(UInt16.self)
    let method = try reader.size(UInt16.self)
    _ = try reader.take(4)
    let checksum = try reader.integer(UInt32.self)
    var packedCount = try reader.size(UInt32.self)
    var byteCount = try reader.size(UInt32.self)
    let lengths = (try reader.size(UInt16.self), try reader.size(UInt16.self), try reader.size(UInt16.self))
    _ = try reader.take(8)
    var offset = try reader.size(UInt32.self)
    guard let name = try reader.take(lengths.0).text else { throw fault("has a name that is not UTF-8") }
    var extra = ByteReader(try reader.take(lengths.1), fault: fault)
    _ = try reader.take(lengths.2)
    while extra.remaining >= 4 {
      let kind = try extra.integer(UInt16.self)
      var field = ByteReader(try extra.take(try extra.size(UInt16.self)), fault: fault)
      guard kind == 1 else { continue }
      let all = Int(UInt32.max)
      if byteCount == all { byteCount = try field.size(UInt64.self) }
      if packedCount == all { packedCount = try field.size(UInt64.self) }
      if offset == all { offset = try field.size(UInt64.self) }
    }
    guard flags & 1 == 0 else { throw fault("is encrypted", remedy: "unpack it first", place: name) }
    guard method == 0 || method == 8 else {
      throw fault("is packed by method \(method)", remedy: "store or deflate it", place: name)
    }
    guard method == 8 || packedCount == byteCount else {
      throw fault("gives `\(name)` two sizes", place: name)
    }
    return Header(
      name: name, method: method, checksum: checksum, packedCount: packedCount, byteCount: byteCount,
      offset: offset)
  }

  /// The bytes of an entry and where they end.
  private static func packed(
    _ header: Header, in bytes: Bytes, before limit: Int, fault: FileFault
  ) throws(FirnError) -> (Bytes, end: Int) {
    guard header.offset < limit, bytes.starts(with: magic, at: header.offset) else {
      throw fault("lacks what its zip directory calls `\(header.name)`", place: header.name)
    }
    var reader = ByteReader(bytes, at: header.offset + 4, fault: fault)
    _ = try reader.take(4)
    let method = try reader.size(UInt16.self)
    _ = try reader.take(16)
    let lengths = (try reader.size(UInt16.self), try reader.size(UInt16.self))
    let name = try reader.take(lengths.0).text
    _ = try reader.take(lengths.1)
    guard name == header.name, method == header.method else {
      throw fault("describes `\(header.name)` in two ways", place: header.name)
    }
    let packed = try reader.take(header.packedCount)
    guard reader.position <= limit else { throw fault("ends within `\(header.name)`", place: header.name) }
    return (packed, reader.position)
  }
}
