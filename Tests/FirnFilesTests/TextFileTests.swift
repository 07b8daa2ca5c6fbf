import FirnGraph
import Foundation
import Testing

@testable import FirnFiles

@Suite struct TextFileTests {
  @Test func writesAndReplaces() throws {
    try inFolder { directory in
      let path = directory + "/curve.csv"
      try TextFile.write("a,b\n", to: path)
      try TextFile.write("π\n", to: path)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "π\n")
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["curve.csv"])
    }
  }

  @Test func faultsNamePathReasonAndRemedy() throws {
    try inFolder { directory in
      let missing = directory + "/missing/curve.csv"
      let noDirectory = #expect(throws: FirnError.self) { try TextFile.write("", to: missing) }
      #expect(noDirectory?.code == .file)
      #expect(
        noDirectory?.message == "cannot write '\(missing)': there is no directory '\(directory)/missing'")
      #expect(noDirectory?.remedy == "create the directory first")

      let isDirectory = #expect(throws: FirnError.self) { try TextFile.write("", to: directory) }
      #expect(isDirectory?.message == "cannot write '\(directory)': it is a directory")

      try TextFile.write("", to: directory + "/file")
      let inFile = #expect(throws: FirnError.self) {
        try TextFile.write("", to: directory + "/file/curve.csv")
      }
      #expect(inFile?.message.hasSuffix("'\(directory)/file' is not a directory") == true)

      let empty = #expect(throws: FirnError.self) { try TextFile.write("", to: "") }
      #expect(empty?.message == "cannot write '': the path is empty")
    }
  }
}
