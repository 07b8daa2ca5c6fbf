import FirnGraph
import Foundation
import Testing

@testable import FirnFormats

@Suite struct AtomicFileTests {
  private func write(_ text: String, to url: URL) throws {
    try AtomicFile.write(to: url.path) { (file) throws(FirnError) in try file.write(Array(text.utf8)) }
  }

  private func permissions(_ url: URL) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: url.path)[.posixPermissions] as? Int
  }

  @Test(arguments: [0o600, 0o640, 0o666, 0o755])
  func permissionsStay(_ bits: Int) throws {
    try WeightFixtures.inFolder { folder in
      let url = folder.appendingPathComponent("a")
      try Data("old".utf8).write(to: url)
      try FileManager.default.setAttributes([.posixPermissions: bits], ofItemAtPath: url.path)
      try write("new", to: url)
      #expect(try permissions(url) == bits)
      #expect(try Data(contentsOf: url) == Data("new".utf8))
    }
  }

  @Test func newFilesHaveThePermissionsOfNewFiles() throws {
    try WeightFixtures.inFolder { folder in
      let (url, other) = (folder.appendingPathComponent("a"), folder.appendingPathComponent("b"))
      try write("new", to: url)
      #expect(FileManager.default.createFile(atPath: other.path, contents: nil))
      #expect(try permissions(url) == permissions(other))
    }
  }

  @Test func linksAreReplacedNotFollowed() throws {
    try WeightFixtures.inFolder { folder in
      let (url, target) = (folder.appendingPathComponent("a"), folder.appendingPathComponent("b"))
      try Data("old".utf8).write(to: target)
      try FileManager.default.createSymbolicLink(at: url, withDestinationURL: target)
      try write("new", to: url)
      #expect(try Data(contentsOf: target) == Data("old".utf8))
      #expect(try Data(contentsOf: url) == Data("new".utf8))
    }
  }

  @Test func failuresLeaveTheOldFileAndNothingElse() throws {
    try WeightFixtures.inFolder { folder in
      let url = folder.appendingPathComponent("a")
      try write("old", to: url)
      let error = #expect(throws: FirnError.self) {
        try AtomicFile.write(to: url.path) { (file) throws(FirnError) in
          try file.write([UInt8](repeating: 1, count: 1 << 17))
          throw FirnError(.invalidArgument, "no")
        }
      }
      #expect(error?.message == "no")
      #expect(try Data(contentsOf: url) == Data("old".utf8))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a"])
    }
  }
}
