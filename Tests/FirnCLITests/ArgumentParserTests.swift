import Testing

@testable import FirnCLI

@Suite struct ArgumentParserTests {
  private static let parser = ArgumentParser(
    program: "firn", summary: "Partial training.",
    commands: [
      .init(
        name: "train", summary: "Train a model.",
        positionals: [
          .init(name: "model", help: "The model's file."),
          .init(name: "data", help: "The data.", count: .optional),
        ],
        options: [
          .flag("quick", help: "Take a few steps only."),
          .init(name: "out", value: .text(placeholder: "DIR"), help: "Where to write."),
          .init(name: "seed", value: .integer(0...Int.max), help: "The seed.", defaultValue: "7"),
          .init(name: "depth", value: .integer(1...9), help: "The depth."),
          .init(name: "rate", value: .number, help: "The learning rate."),
          .init(name: "cell", value: .choice(["lstm", "gru"]), help: "The cell.", defaultValue: "lstm"),
          .init(
            name: "freeze", value: .text(placeholder: "SELECTION"), help: "What to freeze.", repeats: true),
        ],
        examples: [.init(line: "firn train lstm.firn --quick", meaning: "Try a model")]),
      .init(
        name: "dump", summary: "Print a graph.",
        positionals: [.init(name: "file", help: "A file.", count: .any)]),
    ],
    sharedOptions: [.flag("verbose", help: "Say more.")])

  private func parse(_ line: String) throws(UsageError) -> ParsedArguments {
    try Self.parser.parse(line.split(separator: " ").map(String.init))
  }

  @Test func optionsAndPositionalsMix() throws {
    let parsed = try parse(
      "train --quick a.firn --out dir --depth=2 b.csv --rate -1e-3 --freeze a --freeze=b=c")
    #expect(parsed.command == "train" && parsed.help == nil)
    #expect(parsed.positionals == ["a.firn", "b.csv"])
    #expect(parsed.flag("quick") && !parsed.flag("verbose"))
    #expect(parsed.text("out") == "dir")
    #expect(parsed.integer("depth") == 2)
    #expect(parsed.number("rate") == -0.001)
    #expect(parsed.texts("freeze") == ["a", "b=c"])
  }

  @Test func defaultsStandInForWhatIsAbsent() throws {
    let parsed = try parse("train a.firn")
    #expect(parsed.integer("seed") == 7)
    #expect(parsed.text("cell") == "lstm")
    #expect(parsed.text("out") == nil && parsed.texts("freeze").isEmpty)
  }

  @Test func twoDashesEndTheOptions() throws {
    #expect(try parse("dump - -3 -- --verbose -- -x").positionals == ["-", "-3", "--verbose", "--", "-x"])
  }

  @Test func sharedOptionsMayStandFirst() throws {
    #expect(try parse("--verbose dump").flag("verbose"))
    #expect(try parse("dump --verbose").flag("verbose"))
  }

  @Test(arguments: [
    ("trian", "firn: unknown command 'trian'; did you mean train?"),
    ("xylophone", "firn: unknown command 'xylophone'; the commands are train, dump"),
    ("train a --sede 3", "firn train: unknown option '--sede'; did you mean --seed?"),
    ("train a --o x", "firn train: unknown option '--o'; did you mean --out?"),
    ("train a -q", "firn train: unknown option '-q'; "),
    ("--quick train a", "firn: unknown option '--quick'; the options are --verbose, --help"),
    ("train a --out", "firn train: '--out' needs a value; write '--out DIR'"),
    ("train a --out --quick", "firn train: '--out' needs a value; write '--out DIR'"),
    ("train a --quick=yes", "firn train: '--quick' takes no value, but was given 'yes'"),
    (
      "train a --depth 12",
      "firn train: '12' is not a valid value for '--depth'; it must be a whole number from 1 to 9"
    ),
    (
      "train a --seed -1",
      "firn train: '-1' is not a valid value for '--seed'; it must be a whole number from 0"
    ),
    ("train a --rate nan", "firn train: 'nan' is not a valid value for '--rate'; it must be a finite number"),
    ("train a --cell gro", "firn train: 'gro' is not a valid value for '--cell'; did you mean gru?"),
    ("train a --seed 1 --seed 2", "firn train: '--seed' is given more than once; keep one of them"),
    ("train", "firn train: <model> is missing; it is: The model's file."),
    ("train a b c", "firn train: unexpected argument 'c'; the command takes <model> <data> only"),
  ])
  func errorsNameTheArgumentAndTheWayOut(_ line: String, _ text: String) {
    let error = #expect(throws: UsageError.self) { try parse(line) }
    #expect(error?.description.hasPrefix(text) == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("--help' for usage.") == true)
    #expect(UsageError.exitCode == 2)
  }

  @Test(arguments: ["", "--help", "-h", "help", "--verbose"])
  func programHelp(_ line: String) throws {
    let help = try #require(try parse(line).help)
    #expect(help.contains("\nCOMMANDS\n  train  Train a model.\n  dump   Print a graph.\n"))
    #expect(help.contains("\nEXAMPLES\n  # Try a model\n  firn train lstm.firn --quick\n"))
  }

  @Test(arguments: ["train --help", "train a --depth 3 -h", "help train"])
  func commandHelp(_ line: String) throws {
    let help = try #require(try parse(line).help)
    #expect(help.contains("USAGE\n  firn train <model> [<data>] [options]\n"))
    #expect(help.contains("\n  --seed N            The seed. (default: 7)\n"))
    #expect(help.contains("\n  --freeze SELECTION  What to freeze. (may be repeated)\n"))
    #expect(help.contains("\n  --cell lstm|gru     The cell. (default: lstm)\n"))
    #expect(help.contains("\n  -h, --help          Show this help.\n"))
    #expect(help.hasSuffix("\nEXAMPLES\n  # Try a model\n  firn train lstm.firn --quick\n"))
  }
}
