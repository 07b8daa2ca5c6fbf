import FirnGraph
import Foundation
import Testing

import FirnFiles

/// Files that grow by whole pieces while others read them.
@Suite struct RecordFileTests {
  private func append(_ text: String, to file: RecordFile) throws {
    try Array(text.utf8).withUnsafeBytes { try file.append($0) }
  }

  private func read(_ file: RecordFile, _ range: Range<Int>) -> String? {
    var bytes = [UInt8](repeating: 0, count: range.count)
    guard bytes.withUnsafeMutableBytes({ file.read(at: range.lowerBound, into: $0) }) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Readers have what there was when they opened it, and what came since when they ask.
  @Test func readersFollowTheWriter() throws {
    try inFolder { folder in
      let path = folder + "/records"
      let own = try RecordFile(creating: path)
      try append("first", to: own)
      let reader = try #require(RecordFile(reading: path))
      try append("second", to: own)
      #expect(own.byteCount == 11 && reader.byteCount == 5)
      reader.follow()
      #expect(reader.byteCount == 11)
      for file in [own, reader] {
        #expect(read(file, 5..<11) == "second" && read(file, 0..<5) == "first")
        // Not as many as that are there.
        #expect(read(file, 6..<12) == nil && read(file, 11..<12) == nil && read(file, 11..<11) == "")
      }
    }
  }

  /// A file that was cut off is not said to be shorter: what is not there any more cannot be read.
  @Test func whatIsCutOffCannotBeRead() throws {
    try inFolder { folder in
      let path = folder + "/records"
      try append("whole", to: RecordFile(creating: path))
      let reader = try #require(RecordFile(reading: path))
      try Data("who".utf8).write(to: URL(fileURLWithPath: path), options: [])
      reader.follow()
      #expect(reader.byteCount == 5)
      #expect(read(reader, 0..<5) == nil && read(reader, 0..<3) == "who")
    }
  }

  @Test func filesAreMadeOnceAndFoldersAreNone() throws {
    try inFolder { folder in
      let path = folder + "/records"
      _ = try RecordFile(creating: path)
      let error = #expect(throws: FirnError.self) { try RecordFile(creating: path) }
      #expect(error?.code == .file && error?.message.contains(path) == true)
      #expect(RecordFile(reading: folder) == nil && RecordFile(reading: path + "s") == nil)
    }
  }
}
