import Foundation
import Testing

/// What the programs of Examples print is true.
///
/// Losses may differ in their last digits from machine to machine, so they are compared, not matched.
@Suite struct ExampleProgramTests {
  private func run(_ name: String, _ arguments: String...) throws -> ExampleProgram.Transcript {
    let result = try #require(ExampleProgram(name), "\(name) is not built").run(arguments)
    #expect(result.errors == "", "\(name)")
    return result
  }

  /// As the manifest lists them, so that each has a test here or elsewhere.
  @Test func everyProgramIsTested() throws {
    let folder = CommandLineRunner.root + "/Examples"
    let programs = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)/main.swift") }
    #expect(
      Set(programs) == [
        "CachedFeatures", "CustomCell", "DigitsTransfer", "Errors", "FirstSteps", "FreezeInputKernels",
        "FreezeOneLSTM",
        "FreezeResNet",
        "FrozenBatchNorm", "FrozenEmbedding", "GradualUnfreezing", "InAndOutOfPyTorch", "LayersLossesAndOps",
        "ManyProcesses", "PartialStateDict", "PreserveTrainRestore",
        "PretrainedEncoder", "ResumeTraining", "Sunspots", "ThreeLayerLSTM", "TrainFromCSV", "Translations",
        "TwoEncoders",
        "WeightsByHand", "WriteGraphs",
      ])
  }

  /// Alone it is one process, which exchanges nothing.
  @Test func manyProcessesIsAProgramByItself() throws {
    let output = try run("ManyProcesses")
    #expect(output.lines.first?.hasPrefix("1 process, ") == true)
    #expect(output.lines.count { $0.hasPrefix("step ") } == 5)
    #expect(output.lines.last == "handed in to be summed: 0 bytes in 0 calls")
  }

  /// What is at fault outside is a message and a status, and no crash.
  @Test(arguments: [
    (
      "FreezeResNet", ["/nonexistent/resnet18.pt"],
      [
        "error[file]: cannot read '/nonexistent/resnet18.pt': No such file or directory",
        "  remedy: check the path and its permissions",
      ]
    ),
    // Of Foundation, which has other words than the system.
    ("TrainFromCSV", ["/dev/null/leaves"], ["error: Not a directory: '/dev/null'"]),
  ]) func errorEndsAProgramAsAMessage(name: String, arguments: [String], message: [String]) throws {
    let program = try #require(ExampleProgram(name), "\(name) is not built")
    let failure = try #require(throws: ExampleProgram.Failure.self) { try program.run(arguments) }
    #expect(failure.status == 1)
    #expect(failure.errors == message.map { $0 + "\n" }.joined())
  }

  /// So that it holds for all of them: nothing stands where an error would be a crash.
  @Test func noProgramThrowsAtItsTopLevel() throws {
    let folder = CommandLineRunner.root + "/Examples"
    var count = 0
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
      guard let source = try? String(contentsOfFile: "\(folder)/\(name)/main.swift", encoding: .utf8) else {
        continue
      }
      // Declarations apart, which throw where they are called.
      let outermost = source.split(separator: "\n").filter { line in
        !line.hasPrefix(" ") && !line.hasPrefix("//") && !line.hasPrefix("func ")
      }
      #expect(outermost.contains("reportingErrors {"), "\(name)")
      for line in outermost { #expect(!line.contains(/\btry\b/), "\(name): \(line)") }
      count += 1
    }
    #expect(count > 20)
  }

  @Test func firstSteps() throws {
    let output = try run("FirstSteps")
    #expect(output.contains("encoder/dense/kernel - frozen - it is frozen by `freezing: encoder`"))
    #expect(output.contains("head/kernel - trained - it is a parameter that nothing freezes"))
    #expect(
      try output.number("step 200 loss ") < output.number("step 50 loss "))
    #expect(output.contains("backward FLOPs with nothing frozen: 270337"))
    #expect(output.contains("backward FLOPs with the encoder frozen: 73729"))
  }

  @Test func customCell() throws {
    let output = try run("CustomCell")
    #expect(output.contains("W_fixed is bit for bit what it was: true"))
    #expect(
      try output.number("step 60 loss ") < output.number("step 20 loss "))
    let all = try output.number("backward FLOPs, nothing frozen: ")
    let rest = try output.number("backward FLOPs, W_fixed frozen: ")
    // At least the product that is gone, over all steps: 2 · (16·10 rows) · 3 · 8.
    #expect(all - rest >= 2 * 16 * 10 * 3 * 8)
  }

  @Test func freezeOneLSTM() throws {
    let output = try run("FreezeOneLSTM")
    for name in ["kernel", "recurrent_kernel", "bias"] {
      #expect(output.contains("first/\(name) - frozen - it is frozen by `freezing: first`"))
      #expect(output.contains("first/\(name) kept its bits"))
      #expect(output.contains("second/\(name) moved"))
    }
    #expect(output.contains("head/kernel moved") && output.contains("head/bias moved"))
    #expect(
      try output.number("step 60 loss ") < output.number("step 1 loss "))
    for start in ["backward FLOPs: ", "activations kept: ", "optimiser memory: "] {
      let numbers = output.numbers(start)
      #expect(numbers.count == 2)
      #expect(numbers[0] < 0.7 * numbers[1], "\(start)")
    }
    #expect(output.contains("backward FLOPs in `first`: 0"))
  }

  @Test func freezeInputKernels() throws {
    let output = try run("FreezeInputKernels")
    #expect(
      output.contains(
        "warning: frozen but never loaded or trained: `lstm/layer_0/forward/kernel`, `lstm/layer_1/forward/kernel`"
      ))
    for layer in 0..<2 {
      #expect(output.contains("lstm/layer_\(layer)/forward/kernel - frozen"))
      #expect(output.contains("lstm/layer_\(layer)/forward/recurrent_kernel - trained"))
    }
    #expect(
      output.contains(
        "moved: lstm/layer_0/forward/recurrent_kernel, lstm/layer_0/forward/bias, "
          + "lstm/layer_1/forward/recurrent_kernel, lstm/layer_1/forward/bias, head/kernel, head/bias"))
    #expect(
      try output.number("step 80 loss ") < 0.2 * output.number("step 1 loss "))
    let all = try output.number("matrix products with nothing frozen: ")
    #expect(output.numbers("matrix products with the input kernels frozen: ") == [all - 2])
  }

  @Test func preserveTrainRestore() throws {
    let output = try run("PreserveTrainRestore")
    #expect(output.contains("preserved: gru/kernel, gru/recurrent_kernel"))
    let rest = "gru/bias, gru/recurrent_bias, head/kernel, head/bias"
    #expect(output.contains("moved by training: gru/kernel, gru/recurrent_kernel, \(rest)"))
    #expect(output.contains("after restoring, still moved: \(rest)"))
    #expect(output.rest("error[shape-mismatch]: `head/bias` is f32[1], the value is f32[2]") != nil)
    #expect(output.contains("changed by the failed restore: 0 variables"))
  }

  @Test func partialStateDict() throws {
    let output = try run("PartialStateDict")
    // Strictly: everything that does not fit is named, and nothing changes.
    let strict = output.lines.prefix { $0 != "== what there is" }
    #expect(
      strict.contains {
        $0.hasPrefix("error[")
          && $0.contains("1 missing, 1 unexpected, 1 of another shape; nothing was loaded")
      })
    for name in ["head/kernel", "head/bias", "decoder.weight"] {
      #expect(strict.contains { $0.hasPrefix("  error[") && $0.contains("`\(name)`") }, "\(name)")
    }
    #expect(output.contains("changed: 0 variables"))

    // With a report: it names the same, and is a warning too.
    #expect(
      output.contains("warning: loading checkpoint: 4 converted, 1 missing, 1 unexpected, 1 of another shape")
    )
    for (status, name) in [
      ("converted", "encoder/gru/kernel"), ("of another shape", "head/kernel"), ("missing", "head/bias"),
      ("unexpected", "decoder.weight"),
    ] {
      #expect(output.lines.contains { $0.hasPrefix("  \(status) ") && $0.contains(" \(name) ") }, "\(name)")
    }
    let encoder = ["kernel", "recurrent_kernel", "bias", "recurrent_bias"].map { "encoder/gru/\($0)" }
    #expect(output.contains("changed: " + encoder.joined(separator: ", ")))
    #expect(output.contains("the head is as it was, and random: [\"head/kernel\"]"))

    // What is wanted, strictly: nothing frozen is random, so compiling warns of nothing.
    #expect(output.lines.last == "trained: head/kernel, head/bias")
    #expect(output.lines.filter { $0.hasPrefix("warning:") }.count == 1)
  }

  @Test func pretrainedEncoder() throws {
    let output = try run("PretrainedEncoder")
    // Only the accident is warned of.
    #expect(output.lines.filter { $0.hasPrefix("warning:") }.count == 1)
    #expect(output.rest("warning: frozen but never loaded or trained: `encoder/dense/kernel`, ") != nil)
    for name in ["random encoder", "pretrained encoder"] {
      let start = try #require(output.lines.firstIndex { $0.hasPrefix("\(name): accuracy") })
      #expect(output.lines[start + 1] == "  the encoder kept its bits: true")
    }
    let random = try output.number("random encoder: accuracy ")
    let pretrained = try output.number("pretrained encoder: accuracy ")
    let thawed = try output.number("thawed: accuracy ")
    #expect(random + 0.1 < pretrained)
    #expect(pretrained + 0.05 < thawed)
    #expect(output.contains("optimiser memory of encoder/dense/kernel: fresh"))
    #expect(output.contains("optimiser memory of cross/kernel: kept"))
  }

  @Test func frozenBatchNorm() throws {
    let output = try run("FrozenBatchNorm")
    #expect(try output.number("first task, pretrained: ") > 0.98)
    func row(_ freezing: String, _ keeping: String) throws -> (accuracy: Double, moved: Double) {
      let start = "freezing \(freezing), keeping \(keeping): first task "
      let moved = try #require(output.rest(start)?.split(separator: " ").last.flatMap { Double($0) })
      return (try output.number(start), moved)
    }
    let free = try row("nothing", "nothing")
    let frozen = try row("trunk", "nothing")
    let kept = try row("trunk", "trunk")
    // Frozen is what it was; PyTorch's train mode is not, though no parameter moved.
    #expect(try frozen == (output.number("first task, pretrained: "), 0))
    #expect(kept.moved > 1 && kept.accuracy < frozen.accuracy)
    #expect(free.moved > 1 && free.accuracy < kept.accuracy)
  }

  /// Ended and gone on with, against one that was not; `CrashTests` kills it.
  @Test func resumeTraining() throws {
    try CommandLineRunner.withDirectory { directory in
      let whole = try run("ResumeTraining", directory + "/whole", "7").lines
      #expect(whole.count == 8 && whole.first == "from step 0")
      let first = try run("ResumeTraining", directory + "/parts", "4").lines
      let second = try run("ResumeTraining", directory + "/parts", "7").lines
      #expect(second.first == "from step 4")
      #expect(first + second.dropFirst() == whole)
    }
  }

  @Test func frozenEmbedding() throws {
    let output = try run("FrozenEmbedding")
    let whole = output.section("whole table frozen")
    #expect(whole.contains("  embedding/table - frozen - it is frozen by `freezing: embedding`"))
    #expect(whole.contains("  rows moved: none"))
    #expect(whole.contains("  optimiser memory of the table: 0 bytes"))
    let part = output.section("only the new words' rows trained")
    #expect(part.contains("  rows moved: 8, 9"))
    // Two moments of two rows of six, and a step counter.
    #expect(part.contains("  optimiser memory of the table: \((2 * 2 * 6 + 1) * 4) bytes"))
    for section in [whole, part] {
      let losses = ExampleProgram.Transcript(lines: section, errors: "").numbers("  loss ")
      #expect(losses.count == 2)
      #expect(losses[1] < 0.5 * losses[0])
    }
  }

  @Test func threeLayerLSTM() throws {
    let output = try run("ThreeLayerLSTM")
    let byName = output.section("by name, freezing: \"layer_0\"")
    #expect(byName[0] == "  layer_0/kernel: frozen, kept its bits - it is frozen by `freezing: layer_0`")
    #expect(byName.dropFirst().map { $0.contains(": trained, moved - ") } == [true, true, true])

    let byStop = output.section("by a stop on the first layer's output")
    #expect(byStop[0].hasPrefix("  layer_0/kernel: cut off, kept its bits"))
    #expect(byStop[1].hasPrefix("  layer_1/kernel: trained, moved"))
    #expect(!byStop.contains { $0.contains("F004") })

    let recipe = output.section("by the recipe, a stop on the second layer's output")
    #expect(recipe[0].hasPrefix("  layer_0/kernel: cut off, kept its bits"))
    #expect(recipe[1].hasPrefix("  layer_1/kernel: cut off, kept its bits"))
    #expect(recipe[2].hasPrefix("  layer_2/kernel: trained, moved"))
    for name in ["kernel", "recurrent_kernel", "bias"] {
      #expect(recipe.contains("  F001, starved: layer_1/\(name)"))
      #expect(!byStop.contains("  F001, starved: layer_1/\(name)"))
    }
    #expect(recipe.contains { $0.hasPrefix("  F004, stop beyond its scope: ") })

    #expect(output.contains("by name and by the stop in its place, the same bits: true"))
    #expect(output.rest("by the recipe, other bits in: layer_1/kernel, ") != nil)
  }

  @Test func weightsByHand() throws {
    let output = try run("WeightsByHand")
    #expect(output.contains("random weights agree with the formula: false"))
    #expect(output.contains("converted weights agree with the formula: true"))
    #expect(output.contains("  gru/layer_1/forward/recurrent_kernel [5,15]"))
    #expect(output.contains("back in PyTorch's layout, the same bits: true"))
    #expect(
      output.rest("error[shape-mismatch]: `gru/layer_1/forward/bias` is f32[15], the value is f32[5]")
        != nil)
    #expect(output.contains("after the refused value they still agree: true"))
    #expect(output.contains("after another value for one gate they agree: false"))
  }

  @Test func sunspots() throws {
    try CommandLineRunner.withDirectory { directory in
      let file = directory + "/forecast.svg"
      let output = try run("Sunspots", "--quick", file)
      #expect(output.contains("trained: head/kernel, head/bias"))
      #expect(output.contains("the frozen encoder kept its bits: true"))
      let flops = output.numbers("backward FLOPs a step: ")
      #expect(flops.count == 2)
      #expect(flops[0] * 100 < flops[1])
      // What needs no learning has one answer.
      #expect(output.rest("persistence: the last year") == "     70.1  70.1  70.1")
      #expect(output.rest("persistence: the last cycle") == "    34.8  34.8  34.8")
      let frozen = output.numbers("pretrained, encoder frozen ")
      #expect(frozen.count == 3)
      #expect(frozen[1] <= frozen[0] && frozen[0] <= frozen[2] && frozen[2] < 70.1)
      // The verdicts say what the numbers say.
      let verdicts = output.section("the frozen encoder's error less that of")
      #expect(verdicts.count == 5)
      for line in verdicts {
        let parts = try #require(line.firstMatch(of: /^  (.+?) +(-?[\d.]+) ± ([\d.]+): (.+)$/)).output
        let (mean, doubt) = (try #require(Double(parts.2)), try #require(Double(parts.3)))
        switch parts.4 {
        case "better": #expect(mean <= -doubt)
        case "worse": #expect(mean >= doubt)
        default: #expect(parts.4 == "no clear difference" && abs(mean) <= doubt)
        }
        let other = try output.number(String(parts.1))
        #expect(abs(frozen[0] - other - mean) < 0.16, "\(line)")
      }
      let picture = try String(contentsOfFile: file, encoding: .utf8)
      #expect(picture.contains("<svg") && picture.contains("observed") && picture.contains("from scratch"))

      // From tables in the shell: the same errors, as README has the lines.
      _ = try run("Sunspots", "--write-data", directory)
      func error(_ options: String) throws -> Double {
        let line =
          "train sunspots.firn --validation choosing.csv --test heldout.csv --metric 'rmse(forecast, told)' "
          + "--clip 1 --batch 1000 --seed 1 --json " + options
        let run = CommandLineRunner.run(CommandLineRunner.words(of: line), in: directory)
        let report = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        let values = (report?["test"] as? [String: Any])?["values"] as? [String: Double]
        return try #require(values?["RMSE"], "\(run.errors)")
      }
      let told = output.numbers("errors of seed 1: ")
      let old = try error("--data early.csv --rate 0.01 --epochs 30 --patience 30 --out old")
      let new = try error(
        "--data late.csv --weights old/weights.safetensors --freeze encoder --rate 0.003 --epochs 20 "
          + "--patience 20 --out new")
      #expect(told == [old, new])
    }
  }
}
