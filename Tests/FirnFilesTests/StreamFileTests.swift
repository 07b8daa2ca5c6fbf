import FirnGraph
import Foundation
import Testing

@testable import FirnFiles

/// What is read as it comes, and whose size nobody knows.
@Suite struct StreamFileTests {
  /// What comes through a pipe is there once, and of what cannot be wanted only the beginning is read.
  @Test func streamsAreReadAsFarAsTheyAreWanted() throws {
    try inFolder { path in
      let pipe = path + "/pipe"
      try #require(mkfifo(pipe, 0o600) == 0)
      let sent = [UInt8]((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
      let writer = Thread { FileHandle(forWritingAtPath: pipe)?.write(Data(sent)) }
      writer.start()
      let read = try StreamFile.read(pipe)
      #expect(read.withUnsafeBytes { $0.elementsEqual(sent) })
      let endless = try StreamFile.read("/dev/zero") { $0[0] != 0 }
      #expect(endless.count >= 1 << 16 && endless.count <= 1 << 17)
    }
  }

  /// What cannot be read is no empty file.
  @Test func failuresAreNoEnds() throws {
    try inFolder { path in
      let folder = open(path, O_RDONLY)
      defer { close(folder) }
      let error = #expect(throws: FirnError.self) { try StreamFile.read(folder, named: "here") }
      #expect(error?.code == .file && error?.message == "cannot read 'here': Is a directory")
      let closed = #expect(throws: FirnError.self) { try StreamFile.read(-1, named: "there") }
      #expect(closed?.message == "cannot read 'there': Bad file descriptor")
    }
  }

  /// With so much free it stops there, far below what the machine has.
  @Test func streamsWithoutEndAreErrors() throws {
    try inFolder { path in
      let files = FileManager.default
      try files.createDirectory(atPath: path + "/proc", withIntermediateDirectories: true)
      try Data("MemAvailable: 100000 kB\n".utf8).write(to: URL(fileURLWithPath: path + "/proc/meminfo"))
      let error = #expect(throws: FirnError.self) {
        try StreamFile.read("/dev/zero", memory: FreeMemory(root: path))
      }
      #expect(error?.code == .file && error?.message.contains("'/dev/zero' gives more than") == true)
      #expect(error?.message.contains("102400000 were free on this machine") == true)
      #expect(error?.remedy?.contains("into a file") == true)
    }
  }

  /// What fits comes whole, whatever pieces it was read in.
  @Test func whatFitsIsRead() throws {
    try inFolder { path in
      var sent = Data()
      for part in 0..<320 { sent.append(Data(repeating: UInt8(truncatingIfNeeded: part), count: 1 << 16)) }
      try sent.write(to: URL(fileURLWithPath: path + "/file"))
      let file = open(path + "/file", O_RDONLY)
      defer { close(file) }
      let read = try StreamFile.read(file, named: "file")
      #expect(read.withUnsafeBytes { Data($0) == sent })
    }
  }
}
