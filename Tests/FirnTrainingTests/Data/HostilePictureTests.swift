import FirnFiles
import FirnGraph
import Foundation
import Testing

@testable import FirnTraining

/// Pictures whose bytes lie or are damaged: refused before they cost anything, and never a trap.
///
/// `.ci/sanitize memory` runs these too, so they use nothing of the other tests.
@Suite struct HostilePictureTests {
  @Test func hostileFilesAreRefused() throws {
    #expect(try PictureBytes.image(PictureBytes.file()).array.floats == [7 / 255])
    for (what, file, words) in PictureBytes.hostile {
      let fault = try #require(throws: FirnError.self) { _ = try PictureBytes.image(file) }
      #expect(fault.code == .parse && fault.message.contains(words), "\(what): \(fault)")
      #expect(fault.message.hasPrefix("'p.png' ") && fault.remedy != nil, "\(what): \(fault)")
    }
  }

  /// Whatever byte is another, or the last that is there: refused, or read where the byte is of no account.
  @Test func damageIsFound() throws {
    let picture = try #require(try PictureBytes.fixture().pictures["colours, all filters, in parts"])
    let whole = [UInt8](picture.png)
    for position in whole.indices {
      var bytes = whole
      bytes[position] ^= 1 << UInt8(position % 8)
      #expect(throws: FirnError.self, "byte \(position)") { _ = try PictureBytes.image(bytes) }
      #expect(throws: FirnError.self, "\(position) bytes") {
        _ = try PictureBytes.image(Array(whole[..<position]))
      }
    }
  }

  /// Damage under checksums that are right: nothing traps, and what is read has the size that is said.
  ///
  /// `FIRN_FUZZ` is how many files; 3,000 without.
  @Test func damageBelowChecksumsIsNoTrap() throws {
    let count = ProcessInfo.processInfo.environment["FIRN_FUZZ"].flatMap { Int($0) } ?? 3000
    let picture = try #require(try PictureBytes.fixture().pictures["grey and opacity, filter 4"])
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
      let file = PictureBytes.file(
        header: PictureBytes.header(width, height, color: 4),
        PictureBytes.chunk("IDAT", content) + PictureBytes.end)
      do {
        #expect(try PictureBytes.image(file).array.shape == picture.shape)
        read += 1
      } catch let error as FirnError {
        #expect(error.code == .parse)
      }
    }
    #expect(read < count / 2)
  }

  /// The same for Netpbm, which has no checksums: every byte another, and every length.
  @Test func netpbmIsNoTrap() throws {
    let texts = ["P1 3 2 101 010", "P2 2 2 9 1 2 3 9", "P3 1 1 255 1 2 3"].map { Array($0.utf8) }
    let raw =
      [("P4 9 2\n", 4), ("P5 3 2 255\n", 6), ("P5 3 2 65535\n", 12), ("P6 1 2 255 ", 6)].map {
        Array($0.0.utf8) + (0..<$0.1).map { UInt8($0) }
      }
    for whole in texts + raw {
      var reader = PNMReader(Bytes(copying: whole), source: "p.pnm")
      let shape = try reader.image().array.shape
      for position in whole.indices {
        for change in 0..<8 as Range<UInt8> {
          var bytes = whole
          bytes[position] ^= 1 << change
          for file in [bytes, Array(bytes[...position])] {
            var header = PNMReader(Bytes(copying: file), source: "p.pnm")
            var reader = header
            do {
              let image = try reader.image()
              // What the header says is what there is, and no file says more than it holds.
              #expect(try header.header().shape == image.array.shape)
              #expect(image.array.elementCount <= max(file.count * 8, shape.reduce(1, *)))
            } catch {
              #expect(error.code == .parse && error.message.hasPrefix("'p.pnm' "), "\(error)")
            }
          }
        }
      }
    }
  }
}

extension PictureBytes {
  fileprivate static let hostile: [(what: String, file: [UInt8], words: String)] = [
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
}
