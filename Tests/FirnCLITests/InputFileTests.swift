import Foundation
import Testing

@testable import FirnCLI

/// What a command reads: files, pipes, the standard input, and what is none of these.
@Suite struct InputFileTests {
  private static let graph = "Examples/Graphs/custom-cell.firn"
  private static let weights = "Examples/Graphs/custom-cell.safetensors"

  private func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: CommandLineRunner.root + "/" + path)))
  }

  @Test func aDashIsTheStandardInput() throws {
    let graph = CommandLineRunner.run(["inspect", "-"], input: try bytes(Self.graph))
    #expect(graph.code == 0 && graph.output == CommandLineRunner.run("inspect", Self.graph).output)
    let weights = CommandLineRunner.run(["weights", "-"], input: try bytes(Self.weights))
    #expect(weights.code == 0 && weights.output == CommandLineRunner.run("weights", Self.weights).output)
    let both = CommandLineRunner.run(
      ["lint", Self.graph, "--weights", "-"], input: try bytes(Self.weights))
    #expect(both.code == 0 && both.output == "nothing found\n", "\(both.errors)")
  }

  @Test func theStandardInputIsReadOnce() throws {
    let result = CommandLineRunner.run(["diff", "-", "-"], input: try bytes(Self.graph))
    #expect(result.code == 2 && result.errors.contains("the standard input is read twice"))
  }

  @Test func aFaultThereHasItsName() {
    let result = CommandLineRunner.run(["inspect", "-"], input: Array("fern 1\n".utf8))
    #expect(result.code == 1 && result.errors.contains("standard input"), "\(result.errors)")
  }

  @Test func aPipeIsReadToItsEnd() throws {
    try CommandLineRunner.withDirectory { directory in
      let path = directory + "/pipe"
      try #require(mkfifo(path, 0o600) == 0)
      let bytes = Data(try bytes(Self.graph))
      let writer = Thread { FileHandle(forWritingAtPath: path)?.write(bytes) }
      writer.start()
      let result = CommandLineRunner.run("inspect", path)
      #expect(result.code == 0, "\(result.errors)")
      #expect(result.output == CommandLineRunner.run("inspect", Self.graph).output)
    }
  }

  @Test func foldersAndForeignFilesAreNamed() throws {
    let folder = CommandLineRunner.run("inspect", "Examples/Graphs")
    #expect(folder.code == 1)
    #expect(folder.errors.contains("'Examples/Graphs' is a folder"), "\(folder.errors)")
    #expect(folder.errors.contains("custom-cell.firn, digits-network.firn"))
    let weights = CommandLineRunner.run("cost", Self.weights)
    #expect(weights.code == 1)
    #expect(
      weights.errors.contains("'\(Self.weights)' is a file of weights (2 tensors), not a graph"),
      "\(weights.errors)")
    let graph = CommandLineRunner.run("weights", Self.graph)
    #expect(graph.code == 1 && graph.errors.contains("is a graph file, not a file of weights"))
    #expect(graph.errors.contains("firn inspect \(Self.graph)"))
  }
}
