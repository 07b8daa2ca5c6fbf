import FirnGraph
import Foundation
import Testing

@testable import FirnFiles

@Suite struct AtomicFileTests {
  private func write(_ text: String, to url: URL) throws {
    try AtomicFile.write(to: url.path) { (file) throws(FirnError) in try file.write(Array(text.utf8)) }
  }

  private func permissions(_ url: URL) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: url.path)[.posixPermissions] as? Int
  }

  @Test(arguments: [0o600, 0o640, 0o666, 0o755])
  func permissionsStay(_ bits: Int) throws {
    try inFolder { path in
      let folder = URL(fileURLWithPath: path)
      let url = folder.appendingPathComponent("a")
      try Data("old".utf8).write(to: url)
      try FileManager.default.setAttributes([.posixPermissions: bits], ofItemAtPath: url.path)
      try write("new", to: url)
      #expect(try permissions(url) == bits)
      #expect(try Data(contentsOf: url) == Data("new".utf8))
    }
  }

  @Test func newFilesHaveThePermissionsOfNewFiles() throws {
    try inFolder { path in
      let folder = URL(fileURLWithPath: path)
      let (url, other) = (folder.appendingPathComponent("a"), folder.appendingPathComponent("b"))
      try write("new", to: url)
      #expect(FileManager.default.createFile(atPath: other.path, contents: nil))
      #expect(try permissions(url) == permissions(other))
    }
  }

  @Test func linksAreReplacedNotFollowed() throws {
    try inFolder { path in
      let folder = URL(fileURLWithPath: path)
      let (url, target) = (folder.appendingPathComponent("a"), folder.appendingPathComponent("b"))
      try Data("old".utf8).write(to: target)
      try FileManager.default.createSymbolicLink(at: url, withDestinationURL: target)
      try write("new", to: url)
      #expect(try Data(contentsOf: target) == Data("old".utf8))
      #expect(try Data(contentsOf: url) == Data("new".utf8))
    }
  }

  @Test func failuresLeaveTheOldFileAndNothingElse() throws {
    try inFolder { path in
      let folder = URL(fileURLWithPath: path)
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

  /// What the check refuses replaces nothing and leaves nothing behind; the check sees the whole file.
  @Test func refusedFilesReplaceNothing() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("a.bin")
    try AtomicFile.write(to: file.path) { (writer) throws(FirnError) in try writer.write([1, 2]) }
    var seen: Data?
    let refusal = FirnError(.parse, "no")
    #expect(throws: refusal) {
      try AtomicFile.write(
        to: file.path,
        checking: { (path) throws(FirnError) in
          seen = FileManager.default.contents(atPath: path)
          throw refusal
        }
      ) { (writer) throws(FirnError) in try writer.write([3, 4, 5]) }
    }
    #expect(seen == Data([3, 4, 5]))
    #expect(try Data(contentsOf: file) == Data([1, 2]))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.bin"])
  }
}
