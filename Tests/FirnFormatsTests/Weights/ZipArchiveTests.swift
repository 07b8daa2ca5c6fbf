import FirnFiles
import FirnFormats
import FirnGraph
import Testing

/// Zip files that lie: bombs, overlaps and wrong checksums.
@Suite struct ZipArchiveTests {
  private static let fault = FileFault("file.zip")

  private func open(_ bytes: [UInt8]) throws -> ZipArchive {
    try ZipArchive(Bytes(copying: bytes), fault: Self.fault)
  }

  private let honest = FileParts.zip([("a", [1, 2, 3]), ("b", [4])])

  /// Puts four bytes at an offset from where the directory starts.
  private func changed(_ bytes: [UInt8], directoryOffset: Int, to value: UInt32) -> [UInt8] {
    var bytes = bytes
    let start = Int(bytes[bytes.count - 6]) + Int(bytes[bytes.count - 5]) << 8
    bytes.replaceSubrange(
      start + directoryOffset..<start + directoryOffset + 4, with: FileParts.little(value))
    return bytes
  }

  @Test func readsWhatIsThere() throws {
    let archive = try open(honest)
    #expect(archive.entries.map(\.name) == ["a", "b"])
    let entry = try #require(archive["a"])
    #expect(try archive.contents(of: entry).withUnsafeBytes { Array($0) } == [1, 2, 3])
  }

  @Test func overlappingEntriesAreRefused() throws {
    // Both names of one length, so that the second can point to the first's header: names then differ; or be the same.
    let twice = changed(honest, directoryOffset: 47 + 42, to: 0)
    #expect(throws: FirnError.self) { try open(twice) }
    // The first's bytes reach over the second's header.
    var long = changed(honest, directoryOffset: 20, to: 10)
    long = changed(long, directoryOffset: 24, to: 10)
    let error = #expect(throws: FirnError.self) { try open(long) }
    #expect(error?.message.contains("overlap") == true)
  }

  /// Every field that says a thing twice, or of another kind of archive: first the offset, from the start of the file,
  /// the directory or the record at its end.
  @Test(
    arguments: [
      ("directory", 20, [2], "gives `a` two sizes"), ("directory", 24, [2], "gives `a` two sizes"),
      ("file", 8, [8], "describes `a` in two ways"), ("file", 30, [0x63], "describes `a` in two ways"),
      ("directory", 8, [1], "is encrypted"), ("directory", 10, [12], "is packed by method 12"),
      ("directory", 42, [1], "lacks what its zip directory calls `a`"),
      // The last entry goes on where the directory is.
      ("directory", 47 + 20, [9, 0, 0, 0, 9], "ends within `b`"),
      ("end", 4, [1], "several volumes"), ("end", 6, [1], "several volumes"),
      ("end", 8, [1], "several volumes"),
      ("end", 8, [3, 0, 3], "as many entries as it announces"),
      ("end", 8, [1, 0, 1], "as many entries as it announces"),
      ("end", 12, [93], "not where it says"), ("end", 16, [65], "not where it says"),
    ] as [(String, Int, [UInt8], String)])
  func fieldsThatDisagreeAreRefused(_ part: String, _ offset: Int, _ values: [UInt8], _ says: String) {
    var bytes = honest
    let end = bytes.count - 22
    let start = part == "file" ? 0 : part == "end" ? end : Int(bytes[end + 16])
    bytes.replaceSubrange(start + offset..<start + offset + values.count, with: values)
    let error = #expect(throws: FirnError.self) { try open(bytes) }
    #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
  }

  @Test func wrongChecksumsAreRefused() throws {
    let archive = try open(changed(honest, directoryOffset: 16, to: 1))
    let entry = try #require(archive["a"])
    #expect(throws: FirnError.self) { try archive.contents(of: entry) }
  }

  /// An entry that announces 4 GB in eleven bytes is refused before anything is unpacked.
  @Test func announcedBombsAreRefused() throws {
    let error = #expect(throws: FirnError.self) {
      try Inflate.unpack(Bytes(copying: [UInt8](repeating: 0, count: 11)), count: 1 << 32, fault: Self.fault)
    }
    #expect(error?.message.contains("more bytes than could be packed") == true)
  }

  /// A block of fixed codes: a zero byte and then 258 of them again and again, ten bits for each repetition.
  private func bomb(repetitions: Int) -> [UInt8] {
    var bits: [Int] = [1, 1, 0]
    bits += [0, 0, 1, 1, 0, 0, 0, 0]
    for _ in 0..<repetitions { bits += [1, 1, 0, 0, 0, 1, 0, 1] + [0, 0, 0, 0, 0] }
    bits += [0, 0, 0, 0, 0, 0, 0]
    while bits.count % 8 != 0 { bits.append(0) }
    return stride(from: 0, to: bits.count, by: 8).map { start in
      (0..<8).reduce(UInt8(0)) { $0 | UInt8(bits[start + $1]) << UInt8($1) }
    }
  }

  @Test func bombsUnpackNoFurtherThanAnnounced() throws {
    let packed = Bytes(copying: bomb(repetitions: 1000))
    let honest = try Inflate.unpack(packed, count: 258_001, fault: Self.fault)
    #expect(honest.count == 258_001 && honest[258_000] == 0)
    #expect(throws: FirnError.self) { try Inflate.unpack(packed, count: 100, fault: Self.fault) }
    #expect(throws: FirnError.self) { try Inflate.unpack(packed, count: 258_002, fault: Self.fault) }
    #expect(try Inflate.unpack(packed, atMost: 10, fault: Self.fault).count == 10)
  }

  @Test(
    arguments: [
      [], [7], [1], [1, 1, 0, 0, 0], [1, 2, 0, 0xFD, 0xFF, 5], [0x63, 0x00], [0x4B, 0x04, 0x11, 0x00],
      [5, 0, 0, 0, 0, 0, 0], [5, 0xE0, 0x81, 8, 0, 0, 0],
    ] as [[UInt8]])
  func damagedStreamsAreErrors(_ bytes: [UInt8]) {
    #expect(throws: FirnError.self) {
      try Inflate.unpack(Bytes(copying: bytes), count: 2, fault: Self.fault)
    }
  }

  /// `é` in one piece, and as a letter and an accent: equal for Swift, two names in a file.
  @Test func namesByTheirBytes() throws {
    let archive = try open(FileParts.zip([("\u{E9}", [1]), ("e\u{301}", [2])]))
    let entry = try #require(archive["e\u{301}"])
    #expect(try archive.contents(of: entry).withUnsafeBytes { Array($0) } == [2])
    #expect(throws: FirnError.self) { try open(FileParts.zip([("a", []), ("a", [])])) }
  }
}
