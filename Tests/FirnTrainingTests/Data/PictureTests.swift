import FirnFiles
import FirnFormats
import FirnGraph
import Foundation
import Testing

@testable import FirnTraining

/// PNG pictures: what is read is what Pillow reads, and what cannot be is refused before it costs anything.
///
/// `Fixtures/make_pictures.py` made the pictures.
@Suite struct PictureTests {
  private struct Fixture: Decodable {
    struct Picture: Decodable {
      let png: Data
      let shape: [Int]
      let levels: [Int]
    }

    let pictures: [String: Picture]
    let refused: [String: Data]
  }

  private func fixture() throws -> Fixture {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try JSONDecoder().decode(
      Fixture.self, from: Data(contentsOf: folder.appending(path: "Fixtures/pictures.json")))
  }

  private func image(_ bytes: [UInt8]) throws -> PNGImage {
    try PNGReader(Bytes(copying: bytes), source: "p.png").image()
  }

  @Test func picturesAreWhatPillowReads() throws {
    let pictures = try fixture().pictures
    #expect(pictures.count == 29)
    for (name, picture) in pictures {
      let found = try image([UInt8](picture.png))
      #expect([found.height, found.width, found.channels] == picture.shape, "\(name)")
      #expect(found.array.shape == picture.shape, "\(name)")
      #expect(found.array.floats == picture.levels.map { Float($0) / 255 }, "\(name)")
    }
  }

  @Test func otherFormsAreRefusedWithAWayOut() throws {
    for (name, data) in try fixture().refused {
      let fault = try error { _ = try image([UInt8](data)) }
      #expect(fault.code == .parse && fault.remedy?.contains("convert it") == true, "\(name): \(fault)")
    }
    let fault = try error { _ = try image(Self.file(header: Self.header(interlaced: 1))) }
    #expect(fault.message.contains("is interlaced") && fault.remedy?.contains("-interlace none") == true)
  }

  // MARK: Hostile files

  private static func bytes(_ number: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(number).bigEndian, Array.init)
  }

  private static func chunk(_ kind: String, _ content: [UInt8]) -> [UInt8] {
    let checked = Array(kind.utf8) + content
    return bytes(content.count) + checked
      + bytes(Int(CyclicRedundancyCheck.zip.checksum(Bytes(copying: checked))))
  }

  private static func header(
    _ width: Int = 1, _ height: Int = 1, bits: UInt8 = 8, color: UInt8 = 0, interlaced: UInt8 = 0
  ) -> [UInt8] {
    chunk("IHDR", bytes(width) + bytes(height) + [bits, color, 0, 0, interlaced])
  }

  /// Bytes as zlib stores them.
  private static func packed(_ content: [UInt8]) -> [UInt8] {
    var (low, high) = (1, 0)
    for byte in content {
      low = (low + Int(byte)) % 65_521
      high = (high + low) % 65_521
    }
    let (size, other) = (content.count, content.count ^ 0xFFFF)
    let head = [1, UInt8(size & 255), UInt8(size >> 8), UInt8(other & 255), UInt8(other >> 8)]
    return [0x78, 0x01] + head + content + bytes(high << 16 | low)
  }

  private static let pixels = chunk("IDAT", packed([0, 7]))
  private static let end = chunk("IEND", [])

  private static func file(header: [UInt8] = header(), _ rest: [UInt8] = pixels + end) -> [UInt8] {
    PNGReader.signature + header + rest
  }

  private static let hostile: [(what: String, file: [UInt8], words: String)] = [
    ("nothing", [], "is no PNG"),
    ("a beginning", PNGReader.signature, "ends before"),
    ("no end", file(pixels), "ends before"),
    ("no pixels", file(end), "no pixels"),
    ("no header", PNGReader.signature + pixels + end, "does not begin"),
    ("a header cut off", file(header: chunk("IHDR", [0, 0, 0, 1])), "header of 4 bytes"),
    ("no width", file(header: header(0, 1)), "0×1"),
    ("an absurd size", file(header: header(1 << 31, 1)), "2147483648×1"),
    ("more pixels than a gigabyte", file(header: header(1 << 20, 1 << 20)), "more than"),
    ("more pixels than are there", file(header: header(1000, 1000)), "announces more"),
    ("fewer pixels than are there", file(chunk("IDAT", packed([0, 7, 8])) + end), "does not unpack"),
    ("a filter that there is not", file(chunk("IDAT", packed([5, 7])) + end), "filter"),
    ("four bits", file(header: header(bits: 4)), "4 bits"),
    ("pixels of form 5", file(header: header(color: 5)), "no PNG picture has"),
    ("interlacing of form 2", file(header: header(interlaced: 2)), "no PNG picture has"),
    ("pixels in two places", file(pixels + chunk("tEXt", []) + pixels + end), "two places"),
    ("an unknown chunk that matters", file(chunk("ABCD", []) + pixels + end), "does not read"),
    (
      "a chunk of four gigabytes",
      PNGReader.signature + header() + [255, 255, 255, 255] + Array("IDAT".utf8),
      "ends before"
    ),
    ("no zlib", file(chunk("IDAT", [0x78, 0x02] + packed([0, 7]).dropFirst(2)) + end), "packed bytes"),
    ("a dictionary", file(chunk("IDAT", [0x78, 0x20] + packed([0, 7]).dropFirst(2)) + end), "packed bytes"),
    ("too few packed bytes", file(chunk("IDAT", [0x78, 0x01, 0, 0, 0]) + end), "packed bytes"),
    ("a wrong sum", file(chunk("IDAT", packed([0, 7]).dropLast() + [0]) + end), "damaged pixels"),
  ]

  @Test func hostileFilesAreRefused() throws {
    #expect(try image(Self.file()).array.floats == [7 / 255])
    for (what, file, words) in Self.hostile {
      let fault = try error { _ = try image(file) }
      #expect(fault.code == .parse && fault.message.contains(words), "\(what): \(fault)")
      #expect(fault.message.hasPrefix("'p.png' ") && fault.remedy != nil, "\(what): \(fault)")
    }
  }

  /// Whatever byte is another, or the last that is there: refused, or read where the byte is of no account.
  @Test func damageIsFound() throws {
    let picture = try #require(try fixture().pictures["colours, all filters, in parts"])
    let whole = [UInt8](picture.png)
    for position in whole.indices {
      var bytes = whole
      bytes[position] ^= 1 << UInt8(position % 8)
      #expect(throws: FirnError.self, "byte \(position)") { _ = try image(bytes) }
      #expect(throws: FirnError.self, "\(position) bytes") { _ = try image(Array(whole[..<position])) }
    }
  }

  /// Damage under checksums that are right: nothing traps, and what is read has the size that is said.
  ///
  /// `FIRN_FUZZ` is how many files; 3,000 without.
  @Test func damageBelowChecksumsIsNoTrap() throws {
    let count = ProcessInfo.processInfo.environment["FIRN_FUZZ"].flatMap { Int($0) } ?? 3000
    let picture = try #require(try fixture().pictures["grey and opacity, filter 4"])
    let whole = [UInt8](picture.png)
    let start = try #require(whole.firstRange(of: Array("IDAT".utf8))?.upperBound)
    let size = whole[start - 8..<start - 4].reduce(0) { $0 << 8 | Int($1) }
    let generator = Philox(seed: 15, name: "pictures")
    var read = 0
    for number in 0..<count {
      var content = Array(whole[start..<start + size])
      for change in 0...Int(generator.bits(9 * number) % 3) {
        let place = Int(generator.bits(9 * number + 2 * change + 1)) % content.count
        content[place] = UInt8(truncatingIfNeeded: generator.bits(9 * number + 2 * change + 2))
      }
      let (height, width) = (picture.shape[0], picture.shape[1])
      let file = Self.file(
        header: Self.header(width, height, color: 4), Self.chunk("IDAT", content) + Self.end)
      do {
        #expect(try image(file).array.shape == picture.shape)
        read += 1
      } catch let error as FirnError {
        #expect(error.code == .parse)
      }
    }
    #expect(read < count / 2)
  }

  /// Folders hold pictures of both kinds, told apart by how they begin.
  @Test func foldersHoldBothKinds() throws {
    try withFolder { url in
      for (name, bytes) in [("a/1.png", Self.file()), ("b/1.PNG", Array("P2 1 1 255 51".utf8))] {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
      }
      let folder = try ImageFolder(url.path)
      #expect(folder.images.shape == [2, 1, 1, 1] && folder.images.floats == [7 / 255, 0.2])
      let path = url.path + "/a/1.png"
      #expect(try PNGImage(contentsOf: path).array.floats == [7 / 255])
      #expect(try error { _ = try PNGImage(contentsOf: path + "?") }.code == .file)
      try Data(Self.file(Self.end)).write(to: url.appendingPathComponent("a/2.png"))
      #expect(try error { _ = try ImageFolder(url.path) }.message.contains("a/2.png"))
    }
  }
}
