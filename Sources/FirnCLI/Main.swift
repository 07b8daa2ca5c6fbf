internal import FirnGraph
internal import FirnWorlds
internal import Foundation

/// The command `firn`.
@main
enum Main {
  /// A command's declaration and what it does; the result is the exit code.
  struct Entry: Sendable {
    let declaration: ArgumentParser.Command
    let run: @Sendable (ParsedArguments, Shell) throws -> Int32
  }

  static let entries: [Entry] = [
    Entry(declaration: DemoCommand.declaration) { arguments, shell in
      try DemoCommand.run(arguments, in: shell)
      return 0
    },
    Entry(declaration: InspectCommand.declaration, run: InspectCommand.run),
    Entry(declaration: QueryCommand.declaration, run: QueryCommand.run),
    Entry(declaration: ExplainCommand.declaration, run: ExplainCommand.run),
    Entry(declaration: CostCommand.declaration, run: CostCommand.run),
    Entry(declaration: LintCommand.declaration, run: LintCommand.run),
    Entry(declaration: DiffCommand.declaration, run: DiffCommand.run),
    Entry(declaration: DotCommand.declaration, run: DotCommand.run),
    Entry(declaration: ConvertCommand.declaration, run: ConvertCommand.run),
    Entry(declaration: TrainCommand.declaration, run: TrainCommand.run),
    Entry(declaration: EvaluateCommand.declaration, run: EvaluateCommand.run),
    Entry(declaration: PredictCommand.declaration, run: PredictCommand.run),
    Entry(declaration: WeightsCommand.declaration, run: WeightsCommand.run),
    Entry(declaration: WeightsDiffCommand.declaration, run: WeightsDiffCommand.run),
    Entry(declaration: WeightsConvertCommand.declaration, run: WeightsConvertCommand.run),
    Entry(declaration: CompletionCommand.declaration) { arguments, shell in
      CompletionCommand.run(arguments, in: shell, for: parser)
    },
  ]

  static let parser = ArgumentParser(
    program: "firn",
    summary: "Partial training: freeze a scope, and what can no longer change costs nothing.",
    commands: entries.map(\.declaration), version: version)

  /// The newest release that `CHANGELOG.md` lists, or what comes before the first.
  static let version = FirnVersion.text

  static func main() {
    Platform.occupyStandardStreams()
    var lost: String?
    let code = run(Array(CommandLine.arguments.dropFirst()), in: .process { lost = lost ?? $0 })
    if let lost {
      Platform.write("firn: the output could not be written: \(lost)\n", to: .standardError)
      exit(max(code, 1))
    }
    if code != 0 { exit(code) }
  }

  /// Runs one command line, without the program's own name.
  ///
  /// - Returns: the exit code: 0 where all is fine, 1 for findings or a file that is at fault, 2 for a line or a
  ///   selection that cannot be understood.
  static func run(_ line: [String], in shell: Shell) -> Int32 {
    func say(_ error: String, _ status: Int32) -> Int32 {
      Members.say("\(error)\n", status: status, areTogether: sharedCommands.contains(line.first), in: shell)
      return status
    }
    do {
      let arguments = try parser.parse(line)
      if let help = arguments.help {
        shell.output(help)
        return 0
      }
      guard let entry = entries.first(where: { $0.declaration.name == arguments.command }) else {
        firnBug("firn", "a declared command is not run")
      }
      return try entry.run(arguments, shell)
    } catch let error as UsageError {
      return say("\(error)", UsageError.exitCode)
    } catch let failure as FileFailure {
      return say("\(failure.error)", 1)
    } catch let error as FirnError {
      return say("\(error)", error.code.isFaultOfTheLine ? UsageError.exitCode : 1)
    } catch let error as WorldError {
      return say("\(error)", 1)
    } catch {
      return say("error: \(error)", 1)
    }
  }

  /// What processes that a launcher of MPI has started do together.
  private static let sharedCommands: [String?] = [
    TrainCommand.declaration.name, EvaluateCommand.declaration.name, PredictCommand.declaration.name,
  ]
}

extension FirnError.Code {
  /// Whether, once the graph file has been read, only what was written on the command line can cause it.
  fileprivate var isFaultOfTheLine: Bool {
    switch self {
    case .invalidSelection, .unknownName, .invalidArgument, .notScalar, .duplicateName: true
    default: false
    }
  }
}
