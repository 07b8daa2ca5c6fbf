import Foundation
import Testing

/// The stored graph files are what the program that writes them writes today.
@Suite struct ExampleGraphsTests {
  private static var program: URL? {
    // Products of one build stand in one directory; where the test bundle lies in it depends on the platform.
    var directory = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    for _ in 0..<5 {
      let program = directory.appendingPathComponent("WriteGraphs")
      if FileManager.default.isExecutableFile(atPath: program.path) { return program }
      directory.deleteLastPathComponent()
    }
    return nil
  }

  @Test(.enabled(if: Self.program != nil, "WriteGraphs is not built"))
  func storedFilesAreWhatTheProgramWrites() throws {
    let program = try #require(Self.program)
    try CommandLineRunner.withDirectory { directory in
      let process = Process()
      process.executableURL = program
      process.arguments = [directory]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      let stored = CommandLineRunner.root + "/Examples/Graphs"
      let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
      #expect(names == ["custom-cell.firn", "lstm-classifier.firn", "text-classifier.firn"])
      let kept = try FileManager.default.contentsOfDirectory(atPath: stored).sorted()
      #expect(kept == names)
      for name in names {
        let written = try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
        let shown = try String(contentsOfFile: "\(stored)/\(name)", encoding: .utf8)
        #expect(shown == written, "\(name)")
      }
    }
  }
}
