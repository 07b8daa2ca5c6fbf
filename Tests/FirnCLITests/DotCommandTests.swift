import FirnGraph
import FirnTestSupport
import Foundation
import Testing

@testable import FirnCLI

@Suite struct DotCommandTests {
  private static let lstm = "Examples/Graphs/lstm-classifier.firn"

  @Test func drawsWhatAFreezeRemoves() {
    let frozen = CommandLineRunner.run("dot", Self.lstm, "--freeze", "encoder")
    #expect(frozen.code == 0)
    #expect(frozen.output.contains("no gradient"))
    #expect(frozen.output.contains("frozen"))
    let free = CommandLineRunner.run("dot", Self.lstm)
    #expect(!free.output.contains("no gradient"))
  }

  @Test func drawsPartlyFrozenVariables() {
    let text = CommandLineRunner.run(
      "dot", Self.lstm, "--freeze", "head/kernel[0..<3]", "--legend", "--depth", "1000"
    ).output
    #expect(text.contains("class=\"partly-frozen\"") && text.contains("variable, partly frozen"))
  }

  @Test func collapsesScopes() {
    #expect(CommandLineRunner.run("dot", Self.lstm, "--depth", "0").output.contains("scope:encoder"))
  }

  @Test func drawsAdjointsOfWhatIsTrained() {
    let all = CommandLineRunner.run("dot", Self.lstm, "--backward", "--depth", "1000").output
    let head = CommandLineRunner.run("dot", Self.lstm, "--backward", "--freeze", "encoder", "--depth", "1000")
      .output
    #expect(all.contains("cluster:gradients/encoder/layer_0"))
    #expect(!head.contains("cluster:gradients/encoder"))
    #expect(head.contains("gradients/head"))
  }

  @Test func foldsLayersThatRepeat() {
    let text = CommandLineRunner.run("dot", Self.lstm).output
    #expect(text.contains("label=\"layer ×2\\nlayer_1, layer_2\\n"))
    #expect(text.contains("encoder/layer_1 … encoder/layer_2"))
    #expect(!text.contains("cluster:encoder/layer_2"))
    let whole = CommandLineRunner.run("dot", Self.lstm, "--fold", "--depth", "1000").output
    #expect(whole.contains("label=\"layer ×2: layer_1, layer_2\""))
  }

  @Test func opensAScope() {
    let text = CommandLineRunner.run("dot", Self.lstm, "--open", "encoder/layer_1").output
    #expect(text.contains("\"encoder/layer_1/scan//tanh\"") && text.contains("cluster:encoder/layer_1/scan"))
    #expect(text.contains("\"scope:encoder/layer_0\"") && text.contains("\"scope:encoder/layer_2\""))
    let typo = CommandLineRunner.run("dot", Self.lstm, "--open", "encoder/layer_9")
    #expect(typo.code == 2 && typo.errors.contains("encoder/layer_0"), "\(typo.errors)")
  }

  @Test(.enabled(if: InstalledProgram.dot != nil, "Graphviz is not installed"))
  func makesPicturesWithGraphviz() throws {
    try CommandLineRunner.withDirectory { directory in
      let model = CommandLineRunner.root + "/" + Self.lstm
      let line = ["dot", model, "--freeze", "encoder", "--out"]
      #expect(CommandLineRunner.run(line + ["m.svg"], in: directory).code == 0)
      let svg = try String(contentsOfFile: directory + "/m.svg", encoding: .utf8)
      #expect(svg.contains("<svg") && svg.contains("folded frozen"))
      #expect(CommandLineRunner.run(line + ["m", "--format", "png"], in: directory).code == 0)
      let png = try Data(contentsOf: URL(fileURLWithPath: directory + "/m"))
      #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
      #expect(CommandLineRunner.run(["dot", model, "--format", "svg"]).output.contains("</svg>"))
      #expect(CommandLineRunner.run(["dot", model, "--format", "png"]).code == 2)
    }
  }

  @Test func withoutGraphvizTheErrorSaysSo() {
    let error = #expect(throws: FirnError.self) { try Graphviz.installed(for: .svg, searching: "/nowhere:/") }
    #expect(error?.message == "svg pictures are made by Graphviz, whose `dot` is not in PATH")
    #expect(error?.remedy?.contains("--format dot") == true)
  }

  @Test func writesAFileInsteadOfOutput() throws {
    try CommandLineRunner.withDirectory { directory in
      let model = CommandLineRunner.root + "/" + Self.lstm
      // Also without an ending, and with another one where the line says what it is.
      let targets = [("model.dot", []), ("model.gv", []), ("model", []), ("a.pdf", ["--format", "dot"])]
      for (name, options) in targets {
        let result = CommandLineRunner.run(["dot", model, "--out", name] + options, in: directory)
        #expect(result.code == 0 && result.output.isEmpty, "\(result.errors)")
        let text = try String(contentsOfFile: directory + "/" + name, encoding: .utf8)
        #expect(text.hasPrefix("digraph"))
      }
    }
  }

  @Test func faultsNameTheWayOut() {
    let typo = CommandLineRunner.run("dot", Self.lstm, "--freeze", "encodr")
    #expect(typo.code == 2 && typo.errors.contains("encoder"))
    let loss = CommandLineRunner.run("dot", Self.lstm, "--loss", "loss/reduce_men")
    #expect(loss.code == 2 && loss.errors.contains("loss/reduce_mean"))
    #expect(CommandLineRunner.run("dot", "no-such-file.firn").code == 1)
  }
}
