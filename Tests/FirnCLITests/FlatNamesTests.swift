import FirnFormats
import FirnGraph
import FirnOps
import Testing

@testable import FirnCLI

/// Models whose names have no scopes, as converters often write them.
@Suite struct FlatNamesTests {
  @Test func inspectListsWhatStandsInNoScope() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    var y = matmul(x, graph.variable("W1", shape: [3, 4], role: "kernel"))
    y = y + graph.variable("b1", shape: [4], role: "bias")
    y = y * graph.scope("head") { graph.variable("gain", shape: [4]) }
    _ = y.mean()
    try CommandLineRunner.withDirectory { directory in
      try graph.write(to: directory + "/m.firn")
      let result = CommandLineRunner.run(["inspect", "m.firn", "--freeze", "W1"], in: directory)
      #expect(result.code == 0, "\(result.errors)")
      let lines = result.output.split(separator: "\n").map { line in
        line.split(separator: " ").map(String.init)
      }
      #expect(lines.contains(["W1", "f32[3,4]", "kernel", "frozen"]), "\(result.output)")
      #expect(lines.contains(["b1", "f32[4]", "bias", "trainable"]), "\(result.output)")
      // Some rows of it are.
      let partly = CommandLineRunner.run(["inspect", "m.firn", "--freeze", "W1[0..<2]"], in: directory)
      #expect(
        partly.output.split(separator: "\n").contains { $0.hasPrefix("W1 ") && $0.hasSuffix("partly") },
        "\(partly.output)\(partly.errors)")
      // What stands in a scope is counted there.
      #expect(!lines.contains { $0.first == "head/gain" } && lines.contains { $0.first == "head" })
      let json = CommandLineRunner.run(["inspect", "m.firn", "--json"], in: directory)
      #expect(json.output.contains("\"topVariables\"") && json.output.contains("\"W1\""))
    }
  }

  @Test func longListsEnd() throws {
    let graph = Graph()
    for number in 0..<50 { _ = graph.variable("w\(number)", shape: [2]) }
    try CommandLineRunner.withDirectory { directory in
      try graph.write(to: directory + "/m.firn")
      let output = CommandLineRunner.run(["inspect", "m.firn"], in: directory).output
      #expect(
        output.contains("w39") && !output.contains("w40 ") && output.contains("… and 10 more"), "\(output)")
    }
  }

  /// A scope in another stands further in.
  @Test func nestedScopesAreIndented() {
    let output = CommandLineRunner.run("inspect", "Examples/Graphs/lstm-classifier.firn").output
    let lines = output.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("encoder ") }, "\(output)")
    #expect(lines.count { $0.hasPrefix("  layer_") } == 3, "\(output)")
  }

  /// What a command does with weights is what its help says.
  @Test(arguments: [
    ("train", "begin with the values"), ("evaluate", "measure with the values"),
    ("predict", "predict with the values"), ("inspect", "count the variables"),
  ]) func helpSaysWhatBecomesOfWeights(_ command: String, _ words: String) {
    let help = CommandLineRunner.run([command, "--help"]).output
    let flat = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(flat.contains("--weights FILE \(words)"), "\(help)")
  }
}
