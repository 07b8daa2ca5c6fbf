import Foundation
import Testing

/// The stored graph files are what the program that writes them writes today.
@Suite struct ExampleGraphsTests {
  @Test func storedFilesAreWhatTheProgramWrites() throws {
    let program = try #require(ExampleProgram("WriteGraphs"), "WriteGraphs is not built")
    try CommandLineRunner.withDirectory { directory in
      _ = try program.run([directory])
      let stored = CommandLineRunner.root + "/Examples/Graphs"
      let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
      #expect(
        names == [
          "custom-cell-trained.safetensors", "custom-cell.firn", "custom-cell.safetensors",
          "digits-network.firn", "lstm-classifier.firn", "text-classifier.firn",
        ])
      let kept = try FileManager.default.contentsOfDirectory(atPath: stored).sorted()
      #expect(kept == names)
      for name in names {
        let written = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))
        let shown = try Data(contentsOf: URL(fileURLWithPath: "\(stored)/\(name)"))
        #expect(shown == written, "\(name)")
      }
    }
  }
}
