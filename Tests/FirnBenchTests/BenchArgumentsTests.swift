import Testing

@testable import FirnBench

/// What a command line asks for, and what is refused.
@Suite struct BenchArgumentsTests {
  private func parse(_ line: String) throws -> BenchArguments {
    try BenchArguments(line.split(separator: " ").map(String.init))
  }

  private func refusal(_ line: String) -> String {
    do {
      let parsed = try parse(line)
      Issue.record("`\(line)` is taken for \(parsed)")
      return ""
    } catch {
      return (error as? UsageError)?.message ?? ""
    }
  }

  @Test func everythingIsRunByDefault() throws {
    let arguments = try parse("")
    #expect(arguments.task == .measure)
    #expect(arguments.benchmarks == Main.benchmarks.map(\.name))
    #expect(arguments.rows == WorkRow.all.map(\.name))
    #expect(arguments.threads == [2, 1] && arguments.rounds == 1 && arguments.peer == nil)
  }

  @Test func benchmarksRunInTheirOwnOrder() throws {
    #expect(try parse("products asking").benchmarks == ["asking", "products"])
  }

  @Test func worksAndRowsAreNames() throws {
    let work = try parse("lstm-512")
    #expect(work.benchmarks == ["training"])
    #expect(work.rows == ["lstm-512/all", "lstm-512/frozen", "lstm-512/kernel-frozen", "lstm-512/biases"])
    #expect(try parse("gru-20/frozen lstm-20/all").rows == ["lstm-20/all", "gru-20/frozen"])
    #expect(try parse("training lstm-20").benchmarks == ["training"])
    #expect(try parse("products lstm-20").benchmarks == ["training", "products"])
  }

  @Test func optionsAreRead() throws {
    let arguments = try parse("lstm-20 --peer python3 --threads=1,4 --rounds 5 --json out.json")
    #expect(arguments.peer == "python3" && arguments.threads == [1, 4] && arguments.rounds == 5)
    #expect(arguments.json == "out.json")
    #expect(try parse("--peer python3").benchmarks == ["training"])
    #expect(try parse("--peer python3").rounds == 2)
    #expect(try parse("--json -").benchmarks == ["training"])
    #expect(try parse("--check counts.json lstm-20").task == .check("counts.json"))
    #expect(try parse("--record counts.json").task == .record("counts.json"))
    #expect(try parse("imported --onnx resnet18.onnx").onnx == "resnet18.onnx")
    let one = try parse("--one lstm-20/all --threads 3")
    #expect(one.task == .one("lstm-20/all") && one.threads == [3])
  }

  @Test func unknownNamesAreRefusedWithWhatThereIs() {
    let refused = refusal("lstm-129")
    #expect(refused.contains("there is no benchmark `lstm-129`") && refused.contains("lstm-128"))
    for name in Main.benchmarks.map(\.name) + Work.all.map(\.name) { #expect(refused.contains(name)) }
    #expect(refusal("lstm-128/frosen").contains("lstm-128/frozen"))
    #expect(refusal("--one lstm-128").contains("there is no row `lstm-128`"))
    let option = refusal("--peers python3")
    #expect(option.contains("there is no option `--peers`; did you mean --peer"))
    for name in ["--check", "--json", "--help"] { #expect(option.contains(name)) }
  }

  @Test(arguments: [
    ("--peer", "--peer needs a value"), ("--peer --json out", "--peer needs a value"),
    ("--json=", "--json needs a value"), ("--rounds 1 --rounds 2", "--rounds is given twice"),
    ("--threads 2,2", "--threads is a list of different numbers"), ("--threads 0", "--threads is"),
    ("--threads 1,", "--threads is"), ("--rounds 0", "--rounds is a number"),
    ("--check a --record b", "--check and --record do not go together"),
    ("--check a --peer python3", "--check and --peer do not go together"),
    ("--check a products", "`products` has no counts"), ("--record a lstm-20", "takes no names"),
    ("--one lstm-20/all lstm-20", "takes no further names"),
    ("--one lstm-20/all --threads 2,1", "one number of threads"),
    ("products --onnx a.onnx", "--onnx is for `imported`"),
    ("--one lstm-20/all --onnx a.onnx", "--onnx is for `imported`"),
    ("products --rounds 3", "--rounds is for `training`"),
    ("products training --json -", "--json - prints the table of `training` alone"),
  ]) func nonsenseIsRefused(_ line: String, _ reason: String) {
    let refused = refusal(line)
    #expect(refused.contains(reason), "\(refused)")
  }

  @Test func helpNamesAll() throws {
    #expect(try parse("products --help").task == .help)
    let help = BenchArguments.help
    for name in Main.benchmarks.map(\.name) + WorkRow.all.map(\.row.name) + Work.all.map(\.name) {
      #expect(help.contains(name), "\(name)")
    }
    #expect(help.split(separator: "\n").allSatisfy { $0.count <= 120 }, "\(help)")
  }

  /// Every example of the help is a command line that is taken.
  @Test func examplesOfTheHelpAreTaken() throws {
    let examples = BenchArguments.help.split(separator: "\n").filter { $0.hasPrefix("  firn-bench ") }
    #expect(examples.count == 3)
    for example in examples { _ = try parse(String(example.dropFirst("  firn-bench ".count))) }
  }
}
