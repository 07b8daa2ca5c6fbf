import FirnFormats
import FirnGraph
import Foundation
import Testing

@testable import FirnCLI

/// `--weights` and `--keep-training-mode`: what a question is told of values and modes.
@Suite struct LoadedWeightsTests {
  private static let graphs = CommandLineRunner.root + "/Examples/Graphs/"
  private static let model = graphs + "custom-cell.firn"
  private static let weights = graphs + "custom-cell.safetensors"
  private static let network = graphs + "digits-network.firn"

  private func run(_ line: String...) -> CommandLineRunner.Result { CommandLineRunner.run(line) }

  @Test func whatTheFileHasIsLoaded() {
    let lint = run("lint", Self.model, "--weights", Self.weights)
    #expect(lint.code == 0 && lint.errors.isEmpty && lint.output == "nothing found\n")
    let query = run("query", Self.model, "loaded & frozen", "--weights", Self.weights)
    #expect(query.code == 0 && query.output.contains("cell/W_fixed") && query.output.contains("total 1"))
    let none = run("query", Self.model, "uninitialised", "--weights", Self.weights)
    #expect(none.code == 2 && none.errors.contains("every variable was loaded"))
    let frozen = run(
      "explain", Self.model, "--freeze", "loaded & cell/W_trainable", "--weights", Self.weights)
    #expect(frozen.output.contains("it is frozen by `freezing: loaded & cell/W_trainable`"))
  }

  /// One variable short: said, and if frozen, found random.
  @Test func whatDoesNotMatchIsSaid() {
    let line = [Self.model, "--weights", Self.weights, "--map", "cell/W_fixed=cell/other"]
    let lint = CommandLineRunner.run(["lint"] + line)
    #expect(lint.code == 1 && lint.output.contains("F002 warning: `cell/W_fixed`"))
    #expect(lint.errors.contains("1 matched, 1 missing, 1 unexpected"))
    #expect(
      lint.errors.contains("missing: `cell/W_fixed`") && lint.errors.contains("unexpected: `cell/W_fixed`")
        && lint.errors.contains("as `cell/other`"))
    let missing = CommandLineRunner.run(["query"] + line[..<1] + ["uninitialised"] + line[1...])
    #expect(missing.output.contains("cell/W_fixed") && missing.output.contains("total 1"))
    #expect(run("lint", Self.model).output == "nothing found\n")
  }

  @Test func aScopeAndAMapAreGiven() {
    let part = run(
      "inspect", Self.model, "--weights", Self.weights, "--map", "cell/=", "--into", "cell", "--json")
    #expect(part.errors.isEmpty && part.output.contains("\"loaded\" : 88"))
    #expect(!run("inspect", Self.model, "--json").output.contains("loaded"))
    let wrong = run("inspect", Self.model, "--weights", Self.weights, "--into", "cel")
    #expect(wrong.code == 2 && wrong.errors.contains("there are no variables in `cel`"))
  }

  /// Where nothing fits for one reason, that and the options that make up for it, instead of names one by one.
  @Test func theOneReasonIsSaidOnce() throws {
    try CommandLineRunner.withDirectory { directory in
      let graph = Graph()
      for (name, shape) in [
        ("conv/kernel", [3, 3, 3, 4]), ("conv/bias", [4]), ("bn/gamma", [4]), ("bn/beta", [4]),
        ("fc/kernel", [4, 5]), ("fc/bias", [5]), ("embedding/table", [6, 4]),
      ] as [(String, Shape)] {
        _ = graph.variable(name, shape: shape)
        _ = graph.variable("deep/model/" + name, shape: shape)
      }
      try graph.write(to: directory + "/model.firn")
      let path = CommandLineRunner.root + "/Tests/FirnFormatsTests/Fixtures/checkpoints/parallel.pth"
      func query(_ more: String...) -> CommandLineRunner.Result {
        CommandLineRunner.run(["query", "model.firn", "loaded", "--weights", path] + more, in: directory)
      }
      func words(_ result: CommandLineRunner.Result) -> String {
        result.errors.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
      }
      let bare = query()
      #expect(bare.code == 2 && bare.output.isEmpty)
      #expect(
        words(bare).contains(
          "10 names in \(path) begin with `state_dict.module.`: load from there, as those of PyTorch"),
        "\(bare.errors)")
      #expect(
        words(bare).contains("write `--map state_dict.module.= --map pytorch`")
          && !bare.errors.contains("missing:"))
      let mapped = query("--map", "pytorch")
      #expect(
        words(mapped).contains("write `--map state_dict.module.=` before the other maps"), "\(mapped.errors)")
      let good = query("--map", "state_dict.module.=", "--map", "pytorch")
      #expect(good.code == 0 && good.output.contains("fc/kernel"), "\(good.errors)")
    }
  }

  @Test func faultsOfTheFileAndOfTheLine() {
    let nothing = run("lint", Self.network, "--weights", Self.weights)
    #expect(nothing.code == 2 && nothing.errors.contains("nothing of"))
    #expect(run("lint", Self.model, "--weights", "missing.npz").code == 1)
    #expect(run("lint", Self.model, "--weights", Self.model).code == 1)
    #expect(run("lint", Self.model, "--map", "pytorch").errors.contains("'--map' needs '--weights'"))
  }

  // MARK: Modes

  @Test func aFrozenScopeThatMovesIsFound() {
    let line = [Self.network, "--freeze", "trunk"]
    #expect(CommandLineRunner.run(["lint"] + line).output == "nothing found\n")
    let kept = CommandLineRunner.run(["lint"] + line + ["--keep-training-mode", "trunk"])
    #expect(kept.code == 1 && kept.output.contains("F008 warning"))
    let held = CommandLineRunner.run("lint", Self.network, "--freeze", "trunk", "--thaw", "trunk/**/gamma")
    #expect(held.code == 1 && held.output.contains("F009 warning"))
  }

  @Test func modesChangeStatusAndDrawing() {
    let line = [Self.network, "--freeze", "trunk"]
    let keep = ["--keep-training-mode", "trunk"]
    let (held, kept) = (
      CommandLineRunner.run(["explain"] + line), CommandLineRunner.run(["explain"] + line + keep)
    )
    #expect(held.output.contains("is held: `trunk") && !held.output.contains("and moves"))
    #expect(kept.output.contains("and moves, although"))
    let (still, moving) = (
      CommandLineRunner.run(["dot"] + line + ["--backward"]),
      CommandLineRunner.run(["dot"] + line + keep + ["--backward"])
    )
    #expect(still.code == 0 && moving.code == 0 && still.output != moving.output)
  }

  @Test(arguments: ["inspect", "explain", "cost", "lint", "dot"])
  func aSelectionOfNothingIsAFault(_ command: String) {
    let result = run(command, Self.network, "--freeze", "trunk", "--keep-training-mode", "trunc")
    #expect(result.code == 2 && result.output.isEmpty && result.errors.contains("trunc"))
  }
}
