import FirnNotation
import FirnCompiler
import FirnDigits
import FirnGraph
import FirnRuntime
import Foundation
import Testing

@testable import FirnCLI

@Suite struct DemoTests {
  private func experiment(seed: UInt64, isQuick: Bool) throws -> DemoExperiment {
    DemoExperiment(seed: seed, isQuick: isQuick, digits: try DigitsData.load())
  }

  @Test func frozenAndStoppedEncodersGiveTheHeadTheSameBits() throws {
    let experiment = try experiment(seed: 5, isQuick: true)
    let pretraining = try experiment.pretrain { _ in }
    let all = try experiment.transfer(.allTrainable, from: pretraining) { _ in }
    let frozen = try experiment.transfer(.frozenScope, from: pretraining) { _ in }
    let stopped = try experiment.transfer(.stopGradient, from: pretraining) { _ in }

    #expect(frozen.losses == stopped.losses)
    #expect(frozen.head == stopped.head)
    #expect(frozen.head.values.count == 2)
    #expect(all.head != frozen.head)
    #expect(frozen.heldBitsUnchanged && stopped.heldBitsUnchanged && !all.heldBitsUnchanged)

    #expect(frozen.program.cost(of: "encoder").nodes(.backward) == 0)
    #expect(stopped.program.cost(of: "encoder").nodes(.backward) == 0)
    #expect(all.program.cost(of: "encoder").nodes(.backward) > 10)
    let binding: DimBinding = ["batch": DemoModel.batchSize]
    let (full, part) = (
      try #require(all.program.cost.flops(.backward, binding: binding)),
      try #require(frozen.program.cost.flops(.backward, binding: binding))
    )
    #expect(part * 20 < full, "\(part) of \(full)")
    #expect(frozen.program.cost.slotBytes.value == 2 * 645 * 4 + 2 * 4)
    #expect(
      Set(frozen.program.status.variables.filter { $0.name.hasPrefix("encoder/") }.map(\.status)) == [
        .frozen
      ])
    #expect(
      Set(stopped.program.status.variables.filter { $0.name.hasPrefix("encoder/") }.map(\.status)) == [
        .cutOff
      ]
    )
  }

  @Test func frozenEncoderIsGoodEnough() throws {
    var accuracies: [Double] = []
    for seed: UInt64 in 1...3 {
      let experiment = try experiment(seed: seed, isQuick: false)
      let pretraining = try experiment.pretrain { _ in }
      accuracies.append(try experiment.transfer(.frozenScope, from: pretraining) { _ in }.testAccuracy)
    }
    #expect(accuracies.reduce(0, +) / 3 >= 0.88, "\(accuracies)")
  }

  /// A folder that cannot be is found out before anything is trained.
  @Test func theFolderIsCheckedFirst() throws {
    try CommandLineRunner.withDirectory { directory in
      try "in the way".write(toFile: directory + "/taken", atomically: true, encoding: .utf8)
      let result = CommandLineRunner.run(["demo", "--quick", "--out", "taken"], in: directory)
      #expect(result.code == 1 && result.output.isEmpty)
      #expect(result.errors.contains("cannot create the directory '\(directory)/taken'"), "\(result.errors)")
    }
  }

  @Test func whoWritesDataTrainsNothing() throws {
    try CommandLineRunner.withDirectory { directory in
      for option in [["--quick"], ["--out", "run"]] {
        let result = CommandLineRunner.run(["demo", "--write-data", "digits"] + option, in: directory)
        #expect(result.code == 2 && result.errors.contains("says nothing beside '--write-data'"))
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: directory)
      #expect(left.isEmpty)
    }
  }

  /// In release there is nothing to say; that the command says it in debug is looked at in `.ci/run`.
  @Test func aSlowBuildSaysSoAndHowToMakeItFast() throws {
    #if DEBUG
      let notice = try #require(DemoCommand.buildNotice)
      #expect(notice.hasPrefix("this is a debug build") && notice.contains("swift run -c release firn demo"))
    #else
      #expect(DemoCommand.buildNotice == nil)
    #endif
  }

  @Test func reportHasAColumnForEachWay() throws {
    let experiment = try experiment(seed: 1, isQuick: true)
    let pretraining = try experiment.pretrain { _ in }
    let report = DemoReport(
      pretraining: pretraining,
      outcomes: [try experiment.transfer(.frozenScope, from: pretraining) { _ in }])
    let text = report.table.text()
    #expect(text.contains("encoder frozen"))
    #expect(text.contains("645"))
    #expect(!text.split(separator: "\n").contains { $0.count > 100 })
  }
}
