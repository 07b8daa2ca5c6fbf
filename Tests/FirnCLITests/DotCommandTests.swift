import Foundation
import Testing

@testable import FirnCLI

@Suite struct DotCommandTests {
  private static let lstm = "Examples/Graphs/lstm-classifier.firn"

  @Test func drawsWhatAFreezeRemoves() {
    let frozen = CommandLineRunner.run("dot", Self.lstm, "--freeze", "encoder", "--loss", "loss/reduce_mean")
    #expect(frozen.code == 0)
    #expect(frozen.output.contains("no gradient"))
    #expect(frozen.output.contains("frozen"))
    let free = CommandLineRunner.run("dot", Self.lstm, "--loss", "loss/reduce_mean")
    #expect(!free.output.contains("no gradient"))
  }

  @Test func drawsPartlyFrozenVariables() {
    let text = CommandLineRunner.run("dot", Self.lstm, "--freeze", "head/kernel[0..<3]", "--legend").output
    #expect(text.contains("class=\"partly-frozen\"") && text.contains("variable, partly frozen"))
  }

  @Test func collapsesScopes() {
    #expect(CommandLineRunner.run("dot", Self.lstm, "--depth", "0").output.contains("scope:encoder"))
  }

  @Test func drawsAdjointsOfWhatIsTrained() {
    let all = CommandLineRunner.run("dot", Self.lstm, "--backward").output
    let head = CommandLineRunner.run("dot", Self.lstm, "--backward", "--freeze", "encoder").output
    #expect(all.contains("cluster:gradients/encoder/layer_0"))
    #expect(!head.contains("cluster:gradients/encoder"))
    #expect(head.contains("gradients/head"))
  }

  @Test func foldsLayersThatRepeat() {
    let text = CommandLineRunner.run("dot", Self.lstm, "--fold").output
    #expect(text.contains("label=\"layer ×2\""))
    #expect(text.contains("encoder/layer_1 … encoder/layer_2"))
    #expect(!text.contains("cluster:encoder/layer_2"))
  }

  @Test func writesAFileInsteadOfOutput() throws {
    try CommandLineRunner.withDirectory { directory in
      let model = CommandLineRunner.root + "/" + Self.lstm
      let result = CommandLineRunner.run(["dot", model, "--out", "model.dot"], in: directory)
      #expect(result.code == 0 && result.output.isEmpty)
      let text = try String(contentsOfFile: directory + "/model.dot", encoding: .utf8)
      #expect(text.hasPrefix("digraph"))
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
