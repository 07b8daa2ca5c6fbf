import FirnFiles
import FirnFormats
import Foundation

@testable import FirnTraining

/// PNG pictures as bytes, made here or by `Fixtures/make_pictures.py`.
enum PictureBytes {
  struct Fixture: Decodable {
    struct Picture: Decodable {
      let png: Data
      let shape: [Int]
      let levels: [Int]
    }

    let pictures: [String: Picture]
    let refused: [String: Data]
  }

  static func fixture() throws -> Fixture {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try JSONDecoder().decode(
      Fixture.self, from: Data(contentsOf: folder.appending(path: "Fixtures/pictures.json")))
  }

  static func image(_ bytes: [UInt8]) throws -> PNGImage {
    try PNGReader(Bytes(copying: bytes), source: "p.png").image()
  }

  static func bytes(_ number: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(number).bigEndian, Array.init)
  }

  static func chunk(_ kind: String, _ content: [UInt8]) -> [UInt8] {
    let checked = Array(kind.utf8) + content
    return bytes(content.count) + checked
      + bytes(Int(CyclicRedundancyCheck.zip.checksum(Bytes(copying: checked))))
  }

  static func header(
    _ width: Int = 1, _ height: Int = 1, bits: UInt8 = 8, color: UInt8 = 0, interlaced: UInt8 = 0
  ) -> [UInt8] {
    chunk("IHDR", bytes(width) + bytes(height) + [bits, color, 0, 0, interlaced])
  }

  /// Bytes as zlib stores them.
  static func packed(_ content: [UInt8]) -> [UInt8] {
    var (low, high) = (1, 0)
    for byte in content {
      low = (low + Int(byte)) % 65_521
      high = (high + low) % 65_521
    }
    let (size, other) = (content.count, content.count ^ 0xFFFF)
    let head = [1, UInt8(size & 255), UInt8(size >> 8), UInt8(other & 255), UInt8(other >> 8)]
    return [0x78, 0x01] + head + content + bytes(high << 16 | low)
  }

  static let pixels = chunk("IDAT", packed([0, 7]))
  static let end = chunk("IEND", [])

  static func file(header: [UInt8] = header(), _ rest: [UInt8] = pixels + end) -> [UInt8] {
    PNGReader.signature + header + rest
  }
}
