import FirnGraph
import Foundation
import Testing

@testable import FirnTraining

/// PNG pictures: what is read is what Pillow reads, and other forms are refused with a way out.
///
/// `Fixtures/make_pictures.py` made the pictures.
@Suite struct PictureTests {
  @Test func picturesAreWhatPillowReads() throws {
    let pictures = try PictureBytes.fixture().pictures
    #expect(pictures.count == 29)
    for (name, picture) in pictures {
      let found = try PictureBytes.image([UInt8](picture.png))
      #expect([found.height, found.width, found.channels] == picture.shape, "\(name)")
      #expect(found.array.shape == picture.shape, "\(name)")
      #expect(found.array.floats == picture.levels.map { Float($0) / 255 }, "\(name)")
    }
  }

  @Test func otherFormsAreRefusedWithAWayOut() throws {
    for (name, data) in try PictureBytes.fixture().refused {
      let fault = try error { _ = try PictureBytes.image([UInt8](data)) }
      #expect(fault.code == .parse && fault.remedy?.contains("convert it") == true, "\(name): \(fault)")
    }
    let fault = try error {
      _ = try PictureBytes.image(PictureBytes.file(header: PictureBytes.header(interlaced: 1)))
    }
    #expect(fault.message.contains("is interlaced") && fault.remedy?.contains("-interlace none") == true)
  }

  /// Folders hold pictures of both kinds, told apart by how they begin.
  @Test func foldersHoldBothKinds() throws {
    try withFolder { url in
      for (name, bytes) in [("a/1.png", PictureBytes.file()), ("b/1.PNG", Array("P2 1 1 255 51".utf8))] {
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
      try Data(PictureBytes.file(PictureBytes.end)).write(to: url.appendingPathComponent("a/2.png"))
      #expect(try error { _ = try ImageFolder(url.path) }.message.contains("a/2.png"))
    }
  }

  /// Each picture may be large, and all together too many: that is known from the headers, before one is read.
  @Test func aFolderLargerThanMemoryIsRefused() throws {
    try withFolder { url in
      let folder = url.appendingPathComponent("a")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      // What follows the header is damaged, so whoever reads a picture says something else.
      let file = PictureBytes.file(header: PictureBytes.header(11_585, 11_585), PictureBytes.end)
      try Data(file).write(to: folder.appendingPathComponent("0.png"))
      for number in 1..<20_000 {
        try FileManager.default.createSymbolicLink(
          atPath: folder.path + "/\(number).png", withDestinationPath: "0.png")
      }
      let fault = try error { _ = try ImageFolder(url.path) }
      #expect(fault.code == .invalidArgument && fault.place == url.path, "\(fault)")
      #expect(fault.message.contains("20000 pictures of [11585,11585,1]") && fault.message.contains("free"))
      #expect(fault.remedy?.contains("SequenceBatches") == true)
      try Data(PictureBytes.file(header: PictureBytes.header(2, 1))).write(
        to: folder.appendingPathComponent("zz.png"))
      let odd = try error { _ = try ImageFolder(url.path) }
      #expect(odd.code == .shapeMismatch && odd.message.contains("zz.png"), "\(odd)")
    }
  }
}
