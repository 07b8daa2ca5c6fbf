import FirnFormats
import FirnGraph
import FirnNN
import FirnOps
import Foundation
import Testing

@testable import FirnCLI

/// `firn train` with freeze schedules and with several losses.
@Suite struct TrainStagesTests {
  private typealias Bench = TrainCommandTests.Bench

  private static let train =
    "train leaves.firn --data leaves.csv --column y=kind --rate 0.05 --batch 16 --seed 1"
  private static let stages = " --freeze body --freeze-after 2=body/dense/kernel --freeze-after 4="

  private func weights(_ bench: Bench, _ run: String) throws -> [String: NDArray] {
    var result: [String: NDArray] = [:]
    for entry in try Weights(contentsOf: bench.path(run + "/weights.safetensors")).entries {
      result[entry.name] = try entry.array()
    }
    return result
  }

  /// Nothing moves before its stage, and a run that is resumed in any stage ends as one without a stop.
  @Test func scopesThawOneAfterTheOther() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      let line = Self.train + Self.stages
      let whole = bench.run(line + " --epochs 6 --out whole")
      #expect(whole.code == 0, "\(whole.errors)")
      #expect(whole.errors.contains("stage 2, from epoch 3: thaws body/dense/bias\n"), "\(whole.errors)")
      #expect(whole.errors.contains("stage 3, from epoch 5: thaws body/dense/kernel\n"), "\(whole.errors)")
      #expect(whole.output.contains("trained 51 of 51 parameters in stage 3 of 3 by adam at 0.05"))
      #expect(bench.run(line + " --epochs 0 --out begun").code == 0)
      let (first, last) = (try weights(bench, "begun"), try weights(bench, "whole"))
      #expect(first.count == 4)
      for (epochs, moved) in [(2, ["head"]), (4, ["body/dense/bias", "head"]), (6, ["body", "head"])] {
        let name = "part\(epochs)"
        #expect(bench.run(line + " --epochs \(epochs) --out \(name)").code == 0)
        let now = try weights(bench, name)
        for (variable, value) in first {
          #expect(
            (now[variable] != value) == moved.contains { variable.hasPrefix($0) }, "\(epochs) \(variable)")
        }
      }
      for epochs in 1...5 {
        let name = "stopped\(epochs)"
        #expect(bench.run(line + " --epochs \(epochs) --out \(name)").code == 0)
        let rest = bench.run(line + " --epochs 6 --out \(name) --resume --json")
        #expect(rest.code == 0, "\(rest.errors)")
        #expect(try weights(bench, name) == last, "after \(epochs)")
        let answer = try #require(
          try JSONSerialization.jsonObject(with: Data(rest.output.utf8)) as? [String: Any])
        #expect(answer["stage"] as? [String: Int] == ["number": 3, "count": 3])
      }
      // What is otherwise than it was is said, and nothing else: what is random as yet is in the checkpoint.
      #expect(bench.run(line + " --epochs 1 --out changed").code == 0)
      let changed = bench.run(
        line.replacing("--rate 0.05", with: "--optimizer sgd --rate 0.5")
          + " --epochs 3 --out changed --resume")
      #expect(changed.code == 0, "\(changed.errors)")
      let words = "freezing body, after 2 epochs freezing body/dense/kernel, after 4 epochs freezing nothing"
      #expect(
        changed.errors.hasPrefix(
          "the run was begun otherwise:\n  adam at 0.05, \(words), minimising reduce_mean\n"
            + "and goes on by\n  sgd at 0.5, \(words), minimising reduce_mean\nepoch 2 of 3"),
        "\(changed.errors)")
      // Another schedule than it was begun with.
      #expect(bench.run(line + " --epochs 3 --out other").code == 0)
      let other = line.replacing("2=body/dense/kernel", with: "2=body/dense/bias")
      let refused = bench.run(other + " --epochs 6 --out other --resume")
      #expect(refused.code != 0 && refused.errors.contains("froze `body/dense/kernel`"), "\(refused.errors)")
    }
  }

  /// Two heads on one trunk.
  private func writeHeads(_ bench: Bench) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 2])
    let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
    let size = graph.placeholder("size", shape: ["batch", 1])
    let trunk = graph.scope("trunk") { tanh(Dense(8, name: "dense")(x)) }
    let kinds = graph.scope("kinds") { Dense(3, name: "dense")(trunk) }
    let sizes = graph.scope("sizes") { Dense(1, name: "dense")(trunk) }
    _ = identity(sparseSoftmaxCrossEntropy(logits: kinds, labels: y).mean(), name: "kind_loss")
    _ = identity(meanSquaredError(sizes, size), name: "size_loss")
    try graph.write(to: bench.path("heads.firn"))
    try bench.write(
      "heads.csv",
      ["length,width,kind,size"]
        + Bench.rows(0..<60).map { row in
          let numbers = row.split(separator: ",").compactMap { Double($0) }
          return row + ",\(numbers[0] * numbers[1])"
        })
  }

  @Test func everyLossTrainsItsOwn() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      try writeHeads(bench)
      let line =
        "train heads.firn --data heads.csv --column y=kind --column x=length,width --rate 0.05 --batch 16 --seed 1"
      let both = bench.run(
        line + " --objective kind_loss=kinds --objective size_loss=sizes --epochs 4 --out both --json")
      #expect(both.code == 0, "\(both.errors)")
      let answer = try #require(
        try JSONSerialization.jsonObject(with: Data(both.output.utf8)) as? [String: Any])
      let judged = bench.run(
        "evaluate heads.firn --weights both/weights.safetensors --data heads.csv --metric 'accuracy(kinds/dense/add, y)' "
          + "--metric 'accuracy(trunk/dense/add, y)' --json")
      #expect(judged.code == 0, "\(judged.errors)")
      #expect(judged.output.contains("\"accuracy of kinds/dense/add\""), "\(judged.output)")
      let twice = bench.run(
        "evaluate heads.firn --weights both/weights.safetensors --data heads.csv --metric 'accuracy(kinds/dense/add, y)' "
          + "--metric 'accuracy(kinds/dense/add, y)'")
      #expect(twice.code == 2 && twice.errors.contains("twice"), "\(twice.errors)")
      let measured = try #require(answer["validation"] as? [String: Double])
      #expect(measured.keys.sorted() == ["kind_loss", "loss"])
      #expect(
        answer["trained"] as? [String] == [
          "kinds/dense/kernel", "kinds/dense/bias", "sizes/dense/kernel", "sizes/dense/bias",
        ])
      let together = try weights(bench, "both")
      // With the trunk as it is they are two runs in one, to the bit.
      for (loss, head, other) in [("kind_loss", "kinds", "sizes"), ("size_loss", "sizes", "kinds")] {
        let own = loss == "kind_loss" ? line : line.replacing(" --column y=kind", with: "")
        let alone = bench.run(own + " --loss \(loss) --freeze 'trunk | \(other)' --epochs 4 --out \(head)")
        #expect(alone.code == 0, "\(alone.errors)")
        let found = try weights(bench, head)
        for part in ["kernel", "bias"] {
          #expect(found["\(head)/dense/\(part)"] == together["\(head)/dense/\(part)"], "\(head) \(part)")
        }
        #expect(found["trunk/dense/kernel"] == together["trunk/dense/kernel"])
      }
      // The trunk learns from the loss that trains it alone, and a schedule may freeze it.
      let staged = bench.run(
        line
          + " --objective kind_loss=kinds --objective 'size_loss=trunk | sizes' --freeze-after 2=trunk --epochs 4 --out staged"
      )
      #expect(staged.code == 0, "\(staged.errors)")
      #expect(staged.errors.contains("stage 2, from epoch 3: freezes trunk/dense/kernel, trunk/dense/bias"))
      let alone = bench.run(
        line.replacing(" --column y=kind", with: "")
          + " --loss size_loss --freeze kinds --epochs 2 --out trunk")
      #expect(alone.code == 0, "\(alone.errors)")
      let (one, two) = (try weights(bench, "staged"), try weights(bench, "trunk"))
      #expect(one["trunk/dense/kernel"] == two["trunk/dense/kernel"])
      #expect(one["sizes/dense/kernel"] != two["sizes/dense/kernel"])
      // Two objectives may have one loss, of which there is one metric.
      let shared = bench.run(
        line
          + " --objective kind_loss=trunk --objective kind_loss=kinds --objective size_loss=sizes --epochs 1 --out shared"
      )
      #expect(shared.code == 0, "\(shared.errors)")
      let leak = bench.run(line + " --objective kind_loss=trunk --objective size_loss=trunk --out leak")
      #expect(
        leak.code == 2 && leak.errors.contains("would both train `trunk/dense/kernel`"), "\(leak.errors)")
      #expect(!bench.files.contains("leak"))
    }
  }
}
