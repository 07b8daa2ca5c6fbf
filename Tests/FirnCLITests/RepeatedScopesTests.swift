import FirnTestSupport
import Foundation
import Testing

@testable import FirnCLI

/// A deep network of equal blocks folds to one of them, and Graphviz lays it out at once.
@Suite struct RepeatedScopesTests {
  /// Blocks of five nodes, each with a path around it.
  private static func residual(blocks: Int) -> String {
    var text = "firn 1\n\n"
    for block in 0..<blocks {
      text +=
        "variable block_\(block)/kernel : f32[8,8] {kind = \"parameter\", role = \"kernel\", trainable = true, "
        + "initializer = [\"constant\", 1.0]}\n"
    }
    text += "\n%x = placeholder() {dtype = f32, shape = [batch,8]} : f32[batch,8]\n"
    var last = "x"
    for block in 0..<blocks {
      let scope = "block_\(block)"
      text +=
        "%\(scope)/kernel = read() {variable = \"\(scope)/kernel\", dtype = f32, shape = [8,8]} : f32[8,8]\n"
        + "%\(scope)/matmul = matmul(%\(last), %\(scope)/kernel) "
        + "{transpose_a = false, transpose_b = false} : f32[batch,8]\n"
        + "%\(scope)/tanh = tanh(%\(scope)/matmul) : f32[batch,8]\n"
        + "%\(scope)/neg = neg(%\(scope)/tanh) : f32[batch,8]\n"
        + "%\(scope)/add = add(%\(scope)/neg, %\(last)) : f32[batch,8]\n"
      last = scope + "/add"
    }
    return text + "%loss = reduce_sum(%\(last)) {axes = [0,1], keeps_axes = false} : f32[]\n"
  }

  private func drawing(_ options: String...) throws -> String {
    try CommandLineRunner.withDirectory { directory in
      try Self.residual(blocks: 400).write(
        toFile: directory + "/model.firn", atomically: true, encoding: .utf8)
      let result = CommandLineRunner.run(["dot", "model.firn"] + options, in: directory)
      #expect(result.code == 0, "\(result.errors)")
      return result.output
    }
  }

  @Test func equalBlocksAreDrawnOnce() throws {
    let text = try drawing("--fold", "--depth", "1000")
    #expect(text.contains("label=\"block ×400: block_0 … block_399\""))
    #expect(text.contains("tooltip=\"block_0 … block_399\""))
    #expect(text.contains("next block"))
    #expect(!text.contains("block_1/"))
  }

  @Test func aFreezeSplitsARun() throws {
    let text = try drawing("--fold", "--depth", "1000", "--freeze", "block_0 | block_1 | block_2")
    #expect(text.contains("label=\"block ×3: block_0 … block_2 (frozen)\""))
    #expect(text.contains("label=\"block ×397: block_3 … block_399\""))
  }

  @Test func boxesCountEveryRepeat() throws {
    #expect(
      try drawing("--fold", "--depth", "0").contains(
        "block ×400\\nblock_0 … block_399\\n1600 ops\\n25,600 trainable"))
  }

  /// Without any option too, and a fold stands beside another of which one scope is opened.
  @Test func drawingsFoldByDefault() throws {
    let text = try drawing()
    #expect(text.contains("label=\"block ×400\\nblock_0 … block_399\\n1600 ops\\n25,600 trainable\""))
    #expect(!text.contains("cluster:"))
    let opened = try drawing("--open", "block_7")
    #expect(opened.contains("label=\"block ×7\\nblock_0 … block_6\\n"))
    #expect(opened.contains("subgraph \"cluster:block_7\"") && opened.contains("\"block_7/tanh\""))
    #expect(opened.contains("label=\"block ×392\\nblock_8 … block_399\\n"))
  }

  @Test(.enabled(if: InstalledProgram.dot != nil, "Graphviz is not installed"))
  func twoThousandNodesLayOutFolded() throws {
    let program = try #require(InstalledProgram.dot)
    try CommandLineRunner.withDirectory { directory in
      let path = directory + "/model.dot"
      try drawing("--fold").write(toFile: path, atomically: true, encoding: .utf8)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = ["-Tsvg", "-o", directory + "/model.svg", path]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      // Few enough statements that laying out takes no time worth measuring.
      #expect(try drawing("--fold").split(separator: "\n").count < 60)
      let svg = try String(contentsOfFile: directory + "/model.svg", encoding: .utf8)
      #expect(svg.contains("block_399") && svg.contains("trainable"))
    }
  }
}
