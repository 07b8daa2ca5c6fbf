internal import FirnDigits
internal import FirnGraph
internal import FirnNotation
internal import FirnTraining

/// `firn demo`: watch a network learn on real data with part of it frozen.
enum DemoCommand {
  static let declaration = ArgumentParser.Command(
    name: "demo", summary: "train an LSTM on handwritten digits, with and without its encoder frozen",
    options: [
      .init(
        name: "seed", value: .integer(0...Int.max), help: "decides weights, splits and order",
        defaultValue: "1"),
      .init(name: "out", value: .text(placeholder: "DIR"), help: "write graphs and loss curves there"),
      .init(
        name: "write-data", value: .text(placeholder: "DIR"),
        help: "train nothing: write graphs and tables of the digits there, for firn train"),
      .flag("quick", help: "a sixth of the training, to see that it works"),
    ],
    examples: [
      .init(line: "firn demo --out demo", meaning: "run it and look at demo/losses.svg"),
      .init(line: "firn demo --write-data digits", meaning: "what it learns from, as files"),
    ])

  /// What a build says of itself whose kernels are not optimised; nil in release.
  static var buildNotice: String? {
    #if DEBUG
      "this is a debug build: its kernels are not optimised and a step takes some 20 times as long; "
        + "`swift run -c release firn demo` is fast"
    #else
      nil
    #endif
  }

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws {
    if arguments.text("write-data") != nil { try arguments.refuse(["out", "quick"], beside: "write-data") }
    // What trains for minutes must not find out at its end that it cannot write.
    let directory = arguments.text("out").map(shell.resolved)
    if let directory { try DemoReport.prepare(directory) }
    if let folder = arguments.text("write-data") {
      try DemoReport.prepare(shell.resolved(folder))
      let data = DemoData(digits: try DigitsData.load(), seed: UInt64(arguments.integer("seed") ?? 1))
      for file in try data.write(to: shell.resolved(folder)) { shell.line("wrote \(folder)/\(file)") }
      return
    }
    if let buildNotice { shell.errors(buildNotice + "\n") }
    let experiment = DemoExperiment(
      seed: UInt64(arguments.integer("seed") ?? 1), isQuick: arguments.flag("quick"),
      digits: try DigitsData.load())
    shell.line("Firn demo: an LSTM reads 8x8 digits row by row (\(experiment.digits.count) real images)")
    let pretraining = try withProgress("pretraining on 0-4") { report throws(FirnError) in
      try experiment.pretrain(report)
    }
    shell.line("pretrained on 0-4: test accuracy \(NumberFormat.percent(pretraining.testAccuracy))")
    var outcomes: [DemoExperiment.Outcome] = []
    for way in DemoExperiment.Way.allCases {
      let outcome = try withProgress("5-9, " + way.rawValue) { report throws(FirnError) in
        try experiment.transfer(way, from: pretraining, report)
      }
      shell.line(
        "5-9, \(way.rawValue): last losses "
          + outcome.losses.suffix(3).map(NumberFormat.short).joined(separator: " ")
      )
      outcomes.append(outcome)
    }
    let report = DemoReport(pretraining: pretraining, outcomes: outcomes)
    shell.line("\n" + report.table.text(for: shell.terminal))
    if let directory {
      for path in try report.write(to: directory) { shell.line("wrote \(path)") }
    } else {
      shell.line("(add --out DIR for the graphs before and after the freeze and the loss curves)")
    }
  }

  /// Runs a training with its progress on standard error.
  private static func withProgress<Result>(
    _ label: String, _ body: ((Trainer.Progress) -> Void) throws(FirnError) -> Result
  ) throws(FirnError) -> Result {
    var reporter: ProgressReporter?
    var last = 0.0
    let result = try body { progress in
      let bar = reporter ?? ProgressReporter(label, total: progress.stepCount)
      reporter = bar
      last = progress.loss
      bar.update(completed: progress.step, message: "loss \(NumberFormat.fixed(progress.loss, digits: 4))")
    }
    reporter?.finish(message: "loss \(NumberFormat.fixed(last, digits: 4))")
    return result
  }
}
