import FirnFiles
import FirnFormats
import FirnGraph

/// Builds files round damaged insides, so that a checksum does not keep the damage from the layers behind it.
enum FileParts {
  /// The unpacked entries of a zip file.
  static func entries(of bytes: [UInt8]) throws -> [(name: String, bytes: [UInt8])] {
    let archive = try ZipArchive(Bytes(copying: bytes), fault: FileFault("fixture"))
    return try archive.entries.map { ($0.name, try archive.contents(of: $0).withUnsafeBytes { Array($0) }) }
  }

  /// A zip file with the checksums of these entries, stored.
  ///
  /// - Parameters:
  ///   - unpacked: by name, what entries unpack to whose bytes are deflated already.
  ///   - unchecked: names of entries whose checksum is 0.
  static func zip(
    _ entries: [(name: String, bytes: [UInt8])], unpacked: [String: [UInt8]] = [:],
    unchecked: Set<String> = []
  ) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in entries {
      let whole = unpacked[name] ?? bytes
      let checksum =
        unchecked.contains(name) ? 0 : whole.withUnsafeBytes { CyclicRedundancyCheck.zip.checksum($0) }
      var common: [UInt8] = [20, 0, 0, 0, unpacked[name] == nil ? 0 : 8, 0, 0, 0, 0x21, 0]
      common += little(checksum) + little(UInt32(bytes.count)) + little(UInt32(whole.count))
      let name = Array(name.utf8)
      common += little(UInt16(name.count)) + [0, 0]
      directory += [0x50, 0x4B, 1, 2, 20, 0] + common + [UInt8](repeating: 0, count: 10)
      directory += little(UInt32(file.count)) + name
      file += [0x50, 0x4B, 3, 4] + common + name + bytes
    }
    let count = little(UInt16(entries.count))
    let end = [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + count + count
    return file + directory + end + little(UInt32(directory.count)) + little(UInt32(file.count)) + [0, 0]
  }

  /// The only block of entries of a small table.
  static func block(of index: [UInt8]) -> [UInt8] {
    // The first block starts the file; the next one starts behind its trailer of five bytes and holds no entries.
    var size = 0
    while size + 13 <= index.count {
      let checksum = index[..<(size + 1)].withUnsafeBytes { CyclicRedundancyCheck.castagnoli.checksum($0) }
      if Array(index[size + 1..<size + 5]) == little(CyclicRedundancyCheck.masked(checksum)) { break }
      size += 1
    }
    return Array(index[..<size])
  }

  /// A table of this block, with checksums.
  static func table(_ block: [UInt8]) -> [UInt8] {
    var file: [UInt8] = []
    func append(_ block: [UInt8]) -> [UInt8] {
      let handle = varint(file.count) + varint(block.count)
      let contents = block + [0]
      let checksum = contents.withUnsafeBytes { CyclicRedundancyCheck.castagnoli.checksum($0) }
      file += contents + little(CyclicRedundancyCheck.masked(checksum))
      return handle
    }
    let data = append(block)
    let none = append([0, 0, 0, 0, 1, 0, 0, 0])
    let index = append([0, 1] + varint(data.count) + [0x7F] + data + [0, 0, 0, 0, 1, 0, 0, 0])
    var footer = none + index
    footer += [UInt8](repeating: 0, count: 40 - footer.count)
    return file + footer + [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]
  }

  static func little<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private static func varint(_ value: Int) -> [UInt8] {
    value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128)] + varint(value >> 7)
  }
}
