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

  /// Also a link to a link, one that leads nowhere yet, and one that leads round.
  @Test func linksStayAndWhatTheyLeadToIsReplaced() throws {
    try inFolder { path in
      let folder = URL(fileURLWithPath: path)
      let (url, target) = (folder.appendingPathComponent("a"), folder.appendingPathComponent("b"))
      try Data("old".utf8).write(to: target)
      try FileManager.default.createSymbolicLink(at: url, withDestinationURL: target)
      let second = folder.appendingPathComponent("c")
      try FileManager.default.createSymbolicLink(atPath: second.path, withDestinationPath: "a")
      try write("new", to: second)
      #expect(try Data(contentsOf: target) == Data("new".utf8))
      for link in [url, second] {
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path).isEmpty == false)
      }
      let (dangling, round) = (folder.appendingPathComponent("d"), folder.appendingPathComponent("r"))
      try FileManager.default.createSymbolicLink(atPath: dangling.path, withDestinationPath: "e")
      try write("made", to: dangling)
      #expect(try Data(contentsOf: folder.appendingPathComponent("e")) == Data("made".utf8))
      try FileManager.default.createSymbolicLink(atPath: round.path, withDestinationPath: "r")
      let error = #expect(throws: FirnError.self) { try write("no", to: round) }
      #expect(error?.code == .file && error?.message.contains("lead round") == true)
    }
  }

  /// Also where the process may replace them, as root may: they are written into.
  @Test func pipesAndDevicesAreWrittenInto() throws {
    try inFolder { path in
      let pipe = path + "/pipe"
      try #require(mkfifo(pipe, 0o600) == 0)
      let reader = FileHandle(fileDescriptor: open(pipe, O_RDONLY | O_NONBLOCK), closeOnDealloc: true)
      let link = path + "/link"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "pipe")
      try write("through", to: URL(fileURLWithPath: link))
      #expect(try reader.read(upToCount: 100) == Data("through".utf8))
      #expect(
        try FileManager.default.attributesOfItem(atPath: pipe)[.type] as? FileAttributeType != .typeRegular)
      #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ["link", "pipe"])
      // What must be read again cannot go through a pipe.
      let refused = #expect(throws: FirnError.self) {
        try AtomicFile.write(to: pipe, checking: { _ in }) { (file) throws(FirnError) in try file.write([1]) }
      }
      #expect(refused?.message.contains("a pipe or a device") == true)
      try write("gone", to: URL(fileURLWithPath: "/dev/null"))
      #expect(
        try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType
          != .typeRegular)
      #if os(Linux)
        let full = #expect(throws: FirnError.self) {
          try write("lost", to: URL(fileURLWithPath: "/dev/full"))
        }
        #expect(full?.message.contains("No space left") == true)
      #endif
    }
  }

  /// A descriptor's own path is the descriptor: what stands in the file already stays, and what follows comes behind
  /// it.
  @Test func descriptorsGoOnWhereTheyAre() throws {
    try inFolder { path in
      let file = path + "/a"
      let descriptor = open(file, O_WRONLY | O_CREAT, 0o600)
      defer { close(descriptor) }
      let handle = FileHandle(fileDescriptor: descriptor)
      try handle.write(contentsOf: Data("one ".utf8))
      try write("two ", to: URL(fileURLWithPath: "/dev/fd/\(descriptor)"))
      try handle.write(contentsOf: Data("three".utf8))
      #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == Data("one two three".utf8))
    }
  }

  /// Opening to read neither waits for who writes to a pipe nor reads a device as a file.
  @Test func pipesAreNoMappedFiles() throws {
    try inFolder { path in
      try #require(mkfifo(path + "/pipe", 0o600) == 0)
      for place in [path + "/pipe", "/dev/null", path] {
        let error = #expect(throws: FirnError.self) { try MappedFile.open(place) }
        #expect(error?.code == .file && error?.message.contains("is not a file on a disk") == true)
      }
    }
  }

  /// A pipe whose reader goes early is an error: no signal ends the process, and none waits for it.
  @Test func readersThatGoAreErrors() throws {
    try inFolder { path in
      let pipe = path + "/pipe"
      try #require(mkfifo(pipe, 0o600) == 0)
      let reader = Thread {
        let handle = FileHandle(forReadingAtPath: pipe)
        _ = try? handle?.read(upToCount: 1)
        try? handle?.close()
      }
      reader.start()
      let error = #expect(throws: FirnError.self) {
        try AtomicFile.write(to: pipe) { (file) throws(FirnError) in
          for _ in 0..<64 { try file.write([UInt8](repeating: 7, count: 1 << 16)) }
        }
      }
      #expect(error?.code == .file && error?.message.contains("has gone") == true)
      #expect(error?.message.contains("Broken pipe") == true)
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
