import FirnFormats
import FirnGraph
import FirnNN
import FirnOps
import Foundation
import Testing

@testable import FirnCLI

/// `firn train`, `firn evaluate` and `firn predict` on files.
@Suite struct TrainCommandTests {
  /// Three kinds of leaves that a line tells apart, in a folder with a graph that learns them.
  struct Bench {
    let directory: String

    init(_ directory: String) throws {
      self.directory = directory
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 2])
      let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
      let h = graph.scope("body") { tanh(Dense(8, name: "dense")(x)) }
      let logits = graph.scope("head") { Dense(3, name: "dense")(h) }
      let named = identity(logits, name: "scores")
      let loss = sparseSoftmaxCrossEntropy(logits: named, labels: y).mean()
      try graph.write(to: path("leaves.firn"), loss: loss)
      try write("leaves.csv", ["length,width,kind"] + Self.rows(0..<90))
      try write("test.csv", ["length,width,kind"] + Self.rows(90..<120))
    }

    static func rows(_ range: Range<Int>) -> [String] {
      range.map { number in
        let kind = number % 3
        let (a, b) = (Double(number * 37 % 100) / 100, Double(number * 53 % 100) / 100)
        return "\(Double(kind) + 0.5 * a),\(2 - Double(kind) + 0.5 * b),\(kind)"
      }
    }

    func path(_ name: String) -> String { directory + "/" + name }

    func write(_ name: String, _ lines: [String], ending: String = "\n") throws {
      try (lines.joined(separator: ending) + ending).write(
        toFile: path(name), atomically: true, encoding: .utf8)
    }

    func run(_ line: String) -> CommandLineRunner.Result {
      CommandLineRunner.run(CommandLineRunner.words(of: line), in: directory)
    }

    var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: directory))?.sorted() ?? [] }
  }

  private static let train =
    "train leaves.firn --data leaves.csv --column y=kind --rate 0.05 --epochs 8 --batch 16 --seed 1"

  @Test func aTableIsLearnt() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      let run = bench.run(Self.train + " --test test.csv --metric 'accuracy(scores, y)' --out run --json")
      #expect(run.code == 0, "\(run.errors)")
      let answer = try #require(
        try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
      #expect(answer["epochs"] as? Int == 8 && answer["steps"] as? Int == 8 * 5)
      let test = try #require((answer["test"] as? [String: Any])?["values"] as? [String: Double])
      #expect(try #require(test["accuracy"]) > 0.9)
      #expect(run.errors.contains("epoch 8 of 8: training loss"))
      let left = try FileManager.default.contentsOfDirectory(atPath: bench.path("run")).sorted()
      #expect(left == ["checkpoints", "history.csv", "history.json", "history.svg", "weights.safetensors"])

      // The weights that were written measure the same, and predict the classes.
      let judged = bench.run(
        "evaluate leaves.firn --weights run/weights.safetensors --data test.csv --column y=kind "
          + "--metric 'accuracy(scores, y)' --batch 16 --json")
      #expect(judged.code == 0, "\(judged.errors)")
      let again = try #require(
        try JSONSerialization.jsonObject(with: Data(judged.output.utf8)) as? [String: Any])
      #expect(again["values"] as? [String: Double] == test)
      let predicted = bench.run(
        "predict leaves.firn --weights run/weights.safetensors --data test.csv --column x=length,width "
          + "--outputs 'argmax(scores), scores'")
      #expect(predicted.code == 0, "\(predicted.errors)")
      let lines = predicted.output.split(separator: "\n")
      #expect(lines.count == 31 && lines[0] == "argmax(scores),scores.0,scores.1,scores.2")
      let hits = lines.dropFirst().enumerated().count { $1.hasPrefix("\((90 + $0) % 3),") }
      #expect(Double(hits) / 30 == test["accuracy"])
    }
  }

  @Test func frozenScopesStayAndRunsGoOn() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      let half = Self.train.replacing("--epochs 8", with: "--epochs 4")
      #expect(bench.run(Self.train + " --out whole").code == 0)
      #expect(bench.run(half + " --out part").code == 0)
      let resumed = bench.run(Self.train + " --out part --resume")
      #expect(resumed.code == 0, "\(resumed.errors)")
      func weights(_ run: String) throws -> Data {
        try Data(contentsOf: URL(filePath: bench.path(run + "/weights.safetensors")))
      }
      #expect(try weights("part") == weights("whole"))
      for other in ["--batch 8", "--seed 2", "--validation-split 0.5"] {
        let line = Self.train.replacing("--batch 16", with: "").replacing("--seed 1", with: "")
        let missing = ["--batch 16", "--seed 1"].filter { $0.prefix(6) != other.prefix(6) }.joined(
          separator: " ")
        let refused = bench.run(line + " \(missing) \(other) --out part --resume")
        #expect(
          refused.code == 2 && refused.errors.contains("give --batch 16 --seed 1 and the same data"),
          "\(refused.errors)")
      }
      // What scaled its data goes on with it, or not at all.
      #expect(bench.run(half + " --standardize ' x' --out scaled").code == 0)
      let unscaled = bench.run(Self.train + " --out scaled --resume")
      #expect(
        unscaled.code == 2 && unscaled.errors.contains("scaled its data otherwise"), "\(unscaled.errors)")
      #expect(bench.run(Self.train + " --standardize x --out scaled --resume").code == 0)

      // On from these weights with the body frozen: its bits are those of before.
      let more = bench.run(
        Self.train + " --weights whole/weights.safetensors --freeze body --standardize x --out head")
      #expect(more.code == 0, "\(more.errors)")
      #expect(more.output.contains("trained 27 of 51 parameters by adam at 0.05"))
      let (before, after) = (
        try Weights(contentsOf: bench.path("whole/weights.safetensors")),
        try Weights(contentsOf: bench.path("head/weights.safetensors"))
      )
      for entry in before.entries {
        let isSame = try entry.array() == after[entry.name]?.array()
        #expect(isSame == entry.name.hasPrefix("body"), "\(entry.name)")
      }
      // How the data was scaled is in the file, and used by whoever asks the model.
      #expect(after.metadata.contains { $0.value.contains("means") })
      let judged = bench.run(
        "evaluate leaves.firn --weights head/weights.safetensors --data leaves.csv --column y=kind "
          + "--metric 'accuracy(scores, y)'"
      )
      #expect(judged.code == 0 && judged.output.contains("accuracy"))
    }
  }

  /// What is computed again has the bits of what is kept; a scope that is not there is a fault.
  @Test func scopesAreComputedAgain() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      let line = Self.train.replacing("--epochs 8", with: "--epochs 2")
      #expect(bench.run(line + " --out kept").code == 0)
      let again = bench.run(line + " --recompute body --recompute 'hea*' --out again")
      #expect(again.code == 0, "\(again.errors)")
      func weights(_ run: String) throws -> Data {
        try Data(contentsOf: URL(filePath: bench.path(run + "/weights.safetensors")))
      }
      #expect(try weights("again") == weights("kept"))
      let wrong = bench.run(line + " --recompute bady --out none")
      #expect(wrong.code == 2 && wrong.errors.contains("body"), "\(wrong.errors)")
      #expect(bench.files == ["again", "kept", "leaves.csv", "leaves.firn", "test.csv"])
    }
  }

  @Test func earlyStoppingLeavesTheBest() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      let line = Self.train.replacing("--rate 0.05", with: "--rate 20").replacing(
        "--epochs 8", with: "--epochs 200")
      let run = bench.run(line + " --patience 3 --out run --json")
      #expect(run.code == 0, "\(run.errors)")
      let answer = try #require(
        try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
      #expect(answer["ending"] as? String == "stoppedEarly" && answer["isBestRestored"] as? Bool == true)
      #expect(try #require(answer["epochs"] as? Int) == (try #require(answer["bestEpoch"] as? Int)) + 3)
    }
  }

  /// A byte-order mark, CRLF, quotes, tabs, words for classes, columns without names, arrays: all are the same data.
  @Test func dataComesInManyForms() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      let rows = Bench.rows(0..<90).map { $0.split(separator: ",").map(String.init) }
      let kinds = ["birch", "oak", "willow"]
      try ("\u{FEFF}length,width,kind\r\n" + rows.map { $0.joined(separator: ",") + "\r\n" }.joined()).write(
        toFile: bench.path("crlf.csv"), atomically: true, encoding: .utf8)
      try bench.write(
        "quoted.csv",
        ["\"kind\",\"length\",\"wi\"\"dth\""] + rows.map { "\"\($0[2])\",\($0[0]),\"\($0[1])\"" })
      try bench.write("tabs.tsv", ["length\twidth\tkind"] + rows.map { $0.joined(separator: "\t") })
      try bench.write(
        "words.csv", ["length,width,kind"] + rows.map { "\($0[0]),\($0[1]),\(kinds[Int($0[2]) ?? 0])" })
      try bench.write("bare.csv", rows.map { $0.joined(separator: ",") })
      try bench.write("numbered.csv", ["x.0,x.1,y"] + rows.map { $0.joined(separator: ",") })
      let numbers = rows.map { $0.compactMap(Double.init) }
      try Weights(
        source: "data",
        entries: [
          WeightEntry(
            name: "x",
            array: try NDArray(numbers.flatMap { [Float($0[0]), Float($0[1])] }, shape: [90, 2])),
          WeightEntry(name: "y", array: NDArray(numbers.map { Int32($0[2]) })),
        ]
      ).write(to: bench.path("arrays.npz"))
      let plain = Self.train.replacing(" --column y=kind", with: "")
      #expect(bench.run(Self.train + " --out first").code == 0)
      // But for the names of the columns, which are in the file too.
      func weights(_ run: String) throws -> [NDArray] {
        try Weights(contentsOf: bench.path(run + "/weights.safetensors")).entries.map { try $0.array() }
      }
      let first = try weights("first")
      for (number, (file, columns)) in [
        ("crlf.csv", "--column y=kind"), ("quoted.csv", "--column y=kind"), ("tabs.tsv", "--column y=kind"),
        ("words.csv", "--column y=kind --classes y=birch,oak,willow"), ("bare.csv", "--column y=2"),
        ("numbered.csv", ""), ("arrays.npz", ""), ("leaves.csv", "--column y=kind --column x=length..width"),
      ].enumerated() {
        let run = bench.run(plain.replacing("leaves.csv", with: file) + " \(columns) --out run\(number)")
        #expect(run.code == 0, "\(file): \(run.errors)")
        #expect(try weights("run\(number)") == first, "\(file)")
      }
    }
  }

  /// Wherever columns stand, they are those that were trained on, by their names.
  @Test func columnsAreKnownByTheirNames() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      let rows = Bench.rows(90..<120).map { $0.split(separator: ",").map(String.init) }
      try bench.write(
        "turned.csv", ["id,kind,width,length"] + rows.enumerated().map { "\($0),\($1[2]),\($1[1]),\($1[0])" })
      try bench.write("plain.csv", ["width,length"] + rows.map { "\($0[1]),\($0[0])" })
      try bench.write("renamed.csv", ["width,len,kind"] + rows.map { "\($0[1]),\($0[0]),\($0[2])" })
      try bench.write("bare.csv", rows.map { $0.joined(separator: ",") })
      func numbers(_ line: String) throws -> [String: Double]? {
        let run = bench.run(line + " --json")
        #expect(run.code == 0, "\(line): \(run.errors)")
        let answer = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        return (answer?["test"] as? [String: Any] ?? answer)?["values"] as? [String: Double]
      }
      let metric = " --metric 'accuracy(scores, y)'"
      let wanted = try #require(try numbers(Self.train + metric + " --test test.csv --out run"))
      #expect(try numbers(Self.train + metric + " --test turned.csv --out again") == wanted)
      let ask = " leaves.firn --weights run/weights.safetensors --batch 16 --data "
      // Which column the labels stand in need not be said again.
      for file in ["test.csv", "turned.csv", "renamed.csv --column x=len,width"] {
        #expect(try numbers("evaluate" + ask + file + metric) == wanted, "\(file)")
      }
      let scores = " --outputs scores"
      let told = bench.run("predict" + ask + "test.csv" + scores)
      #expect(told.code == 0 && bench.run("predict" + ask + "plain.csv" + scores).output == told.output)
      for file in ["renamed.csv", "bare.csv"] {
        let fault = bench.run("predict" + ask + file + scores)
        #expect(fault.code == 2 && fault.output.isEmpty)
        #expect(fault.errors.contains("'\(file)' has no column `length`"), "\(fault.errors)")
        #expect(fault.errors.contains("placeholder `x`") && fault.errors.contains("--column x="))
      }
      #expect(bench.run(Self.train + " --test renamed.csv --out other").code == 2)
      #expect(!bench.files.contains("other"))

      // A table may also call them as the placeholders are called.
      try bench.write("own.csv", ["y,x.1,x.0"] + rows.map { "\($0[2]),\($0[1]),\($0[0])" })
      #expect(try numbers("evaluate" + ask + "own.csv" + metric) == wanted)

      // A run goes on with the columns it was begun with.
      let leaves = Bench.rows(0..<90).map { $0.split(separator: ",").map(String.init) }
      try bench.write("swapped.csv", ["width,length,kind"] + leaves.map { "\($0[1]),\($0[0]),\($0[2])" })
      let more = Self.train.replacing("--epochs 8", with: "--epochs 10")
      let swapped = more.replacing("leaves.csv", with: "swapped.csv")
      let refused = bench.run(swapped + " --column x=width,length --out run --resume")
      #expect(refused.code == 2 && refused.errors.contains("took other columns"), "\(refused.errors)")
      #expect(bench.run(swapped.replacing("--column y=kind ", with: "") + " --out run --resume").code == 0)
      #expect(bench.run(more + " --out again --resume").code == 0)
      let (one, two) = (
        try Data(contentsOf: URL(filePath: bench.path("run/weights.safetensors"))),
        try Data(contentsOf: URL(filePath: bench.path("again/weights.safetensors")))
      )
      #expect(one == two)

      // Another name stands for the one it had, where the command says so and not else.
      try bench.write("called.csv", ["w,kind,len"] + leaves.map { "\($0[1]),\($0[2]),\($0[0])" })
      let called = more.replacing("leaves.csv", with: "called.csv").replacing(
        "--epochs 10", with: "--epochs 11")
      let unsaid = bench.run(called + " --out run --resume")
      #expect(unsaid.code == 2 && unsaid.errors.contains("has no column `length`"), "\(unsaid.errors)")
      #expect(bench.run(called + " --column x=len,w --out run --resume").code == 0)
      // From then on the run has the new names.
      let longer = called.replacing("--epochs 11", with: "--epochs 12")
      #expect(bench.run(longer + " --out run --resume").code == 0)
      #expect(
        bench.run(more.replacing("--epochs 10", with: "--epochs 12") + " --out again --resume").code == 0)
      let arrays = try ["run", "again"].map { name in
        try Weights(contentsOf: bench.path(name + "/weights.safetensors")).entries.map { try $0.array() }
      }
      #expect(arrays[0] == arrays[1])
      // Weights may be trained on by a table whose columns are called otherwise.
      let tuned = bench.run(
        called + " --column x=len,w --weights again/weights.safetensors --out tuned")
      #expect(tuned.code == 0, "\(tuned.errors)")
    }
  }

  /// A placeholder of doubles has the doubles that stand in the table.
  @Test func doublesAreNotRounded() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      for (dtype, wanted) in [(DType.f64, "0.1\n-1e+300\n"), (.f32, "")] {
        let graph = Graph()
        let x = graph.placeholder("x", shape: ["batch"], dtype: dtype)
        _ = identity(x, name: "same")
        try graph.write(to: bench.path("same.firn"))
        try bench.write("numbers.csv", ["x", "0.1", "-1e300"])
        let run = bench.run("predict same.firn --data numbers.csv --outputs same")
        if dtype == .f64 {
          #expect(run.code == 0 && run.output == "same\n" + wanted, "\(run.output)\(run.errors)")
        } else {
          #expect(run.code == 1 && run.errors.contains("too large for `f32`"), "\(run.errors)")
        }
      }
    }
  }

  // MARK: Faults

  private struct Fault {
    var what: String
    /// The lines of `bad.csv`; nil where the good table is meant.
    var table: [String]?
    /// Options that are added, or that stand in the place of the usual ones.
    var options: String
    var code: Int32 = 1
    var words: String
  }

  private static let header = "length,width,kind"
  private static let good = Bench.rows(0..<30)

  private static let faults: [Fault] = [
    .init(
      what: "planted NaN", table: [header, "1,2,0", "nan,1,1", "2,1,2"], options: "",
      words: "line 3, column 1"),
    .init(what: "infinity", table: [header, "1,inf,0", "1,1,1"], options: "", words: "line 2, column 2"),
    .init(
      what: "text where numbers belong", table: [header, "1,2,0", "1,wide,1"], options: "",
      words: "line 3, column 2"),
    .init(what: "an empty cell", table: [header, "1,2,0", "1,,1"], options: "", words: "line 3, column 2"),
    .init(what: "a ragged row", table: [header, "1,2,0", "1,2"], options: "", words: "line 3"),
    .init(what: "a row too long", table: [header, "1,2,0", "1,2,0,4"], options: "", words: "line 3"),
    .init(what: "an open quote", table: [header, "1,\"2,0"], options: "", words: "bad.csv"),
    .init(what: "no rows", table: [header], options: "", words: "no rows"),
    .init(what: "an empty file", table: [], options: "", words: "empty"),
    .init(
      what: "two columns of one name", table: ["length,length,kind", "1,2,0"], options: "", words: "length"),
    .init(
      what: "a missing column", table: ["length,kind", "1,0", "2,1", "3,2", "4,1", "5,1"], options: "",
      code: 2, words: "x"),
    .init(
      what: "a label with a fraction", table: [header, "1,2,0.5"], options: "", words: "line 2, column 3"),
    .init(what: "a label below 0", table: [header, "1,2,-1"], options: "", words: "line 2, column 3"),
    .init(
      what: "a label out of range", table: [header] + good.map { $0.replacing(",2", with: ",7") },
      options: "", words: "'bad.csv', line 4: label 7"),
    .init(
      what: "a label out of range where the run ends", options: "--test far.csv",
      words: "'far.csv', line 3: label 7"),
    .init(
      what: "a label out of range where epochs end", options: "--validation far.csv",
      words: "'far.csv', line 3: label 7"),
    .init(
      what: "a class that is not named", table: [header, "1,2,oak", "1,2,elm"],
      options: "--classes y=birch,oak", words: "elm"),
    .init(what: "a column that is not there", options: "--column x=length,height", code: 2, words: "height"),
    .init(what: "too few columns", options: "--column x=length", words: "2 numbers a row"),
    .init(what: "a placeholder that is not there", options: "--column z=length", code: 2, words: "`z`"),
    .init(
      what: "a split that leaves none", table: [header] + Array(good.prefix(3)),
      options: "--validation-split 0.01", code: 2, words: "validation"),
    .init(what: "a split that is none", options: "--validation-split 1.5", code: 2, words: "1.5"),
    .init(what: "an exploding rate", options: "--optimizer sgd --rate 1e300", words: "step"),
    .init(what: "a negative rate", options: "--rate -1", code: 2, words: "rate"),
    .init(what: "no such data", options: "--data nothing.csv", words: "nothing.csv"),
    .init(what: "a folder as data", options: "--data .", words: "."),
    .init(what: "a selection of nothing", options: "--freeze tail", code: 2, words: "tail"),
    .init(what: "all frozen", options: "--freeze '**'", words: "nothing to train"),
    .init(what: "no such loss", options: "--loss scoer", code: 2, words: "scoer"),
    .init(what: "a stage without a selection", options: "--freeze-after 2", code: 2, words: "has no `=`"),
    .init(what: "a stage before the first", options: "--freeze-after 0=body", code: 2, words: "above 0"),
    .init(
      what: "stages in another order", options: "--freeze-after 3=body --freeze-after 2=", code: 2,
      words: "above 3"),
    .init(what: "a stage of nothing", options: "--freeze-after 2=tail", code: 2, words: "tail"),
    .init(
      what: "a stage that trains nothing", options: "--freeze-after '2=**'", words: "stage 2 leaves"),
    .init(
      what: "a loss said twice", options: "--loss reduce_mean --objective reduce_mean=head", code: 2,
      words: "--objective"),
    .init(what: "an objective without a loss", options: "--objective =head", code: 2, words: "has no `=`"),
    .init(what: "an objective that trains nothing", options: "--objective scores=", code: 2, words: "trains"),
    .init(
      what: "an objective that is no scalar", options: "--objective scores=head", code: 2, words: "not a"),
    .init(what: "no such metric", options: "--metric 'accurate(scores, y)'", code: 2, words: "is no metric"),
    .init(what: "a metric of nothing", options: "--metric 'accuracy(score, y)'", code: 2, words: "scores"),
    .init(
      what: "a metric that does not fit", options: "--events events --metric 'auc(scores, y)'",
      words: "one score for each label"),
    .init(
      what: "epochs judged by two", options: "--validation test.csv --validation-split 0.2", code: 2,
      words: "says nothing beside"),
    .init(
      what: "a class said twice", options: "--classes y=oak,elm,oak", code: 2,
      words: "has 'oak' twice for `y`"),
    .init(what: "a scale said twice", options: "--standardize x,x", code: 2, words: "`x` is named twice"),
    .init(what: "a scale of nothing", options: "--standardize ''", code: 2, words: "names nothing"),
    .init(what: "a scale left out", options: "--standardize 'x, '", code: 2, words: "leaves a name out"),
    .init(what: "nothing to resume", options: "--resume", code: 2, words: "no run to go on with"),
    .init(what: "weights that are none", options: "--weights leaves.csv", words: "leaves.csv"),
    .init(what: "a header that claims 10 GB", options: "--data huge.npy", words: "huge.npy"),
    .init(what: "arrays without the placeholder", options: "--data other.npz", code: 2, words: "other.npz"),
    .init(what: "not UTF-8", options: "--data latin.csv", words: "latin.csv"),
    .init(what: "an output below a file", options: "--out leaves.csv/run", words: "leaves.csv/run"),
  ]

  /// Each ends with a message that says where, and leaves nothing behind.
  @Test(arguments: faults.indices) func faultyInputEndsClearly(_ number: Int) throws {
    let fault = Self.faults[number]
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      if let table = fault.table { try bench.write("bad.csv", table) }
      try Data([0x6C, 0xFC, 0x2C, 0x79, 0x0A, 0x31, 0x2C, 0x32]).write(
        to: URL(filePath: bench.path("latin.csv")))
      let claim = "{'descr': '<f4', 'fortran_order': False, 'shape': (1250000000, 2), }"
      let text = claim + String(repeating: " ", count: 117 - claim.count) + "\n"
      try Data([0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(text.utf8)).write(
        to: URL(filePath: bench.path("huge.npy")))
      try Weights(source: "o", entries: [WeightEntry(name: "z", array: NDArray([Float(1)]))]).write(
        to: bench.path("other.npz"))
      try bench.write("far.csv", [Self.header, "1,2,0", "2,1,7", "1,1,1"])
      let before = bench.files
      var line = Self.train + (fault.options.contains("--out") ? "" : " --out run") + " " + fault.options
      if fault.table != nil { line = line.replacing("--data leaves.csv", with: "--data bad.csv") }
      if fault.options.contains("--rate") { line = line.replacing("--rate 0.05 ", with: "") }
      if fault.options.contains("--data") { line = line.replacing("--data leaves.csv", with: "") }
      let run = bench.run(line)
      #expect(run.code == fault.code, "\(fault.what): \(run.code), \(run.errors)")
      #expect(run.errors.contains(fault.words), "\(fault.what): \(run.errors)")
      #expect(run.output.isEmpty, "\(fault.what)")
      #expect(bench.files == before, "\(fault.what) leaves \(bench.files.filter { !before.contains($0) })")
    }
  }

  /// A run that fails later than its first epoch keeps what it had saved, and writes no weights.
  @Test func anotherRunIsNotOverwritten() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      #expect(bench.run(Self.train + " --out run").code == 0)
      let weights = try Data(contentsOf: URL(filePath: bench.path("run/weights.safetensors")))
      let again = bench.run(Self.train + " --out run")
      #expect(again.code == 2 && again.errors.contains("of another run"))
      #expect(try Data(contentsOf: URL(filePath: bench.path("run/weights.safetensors"))) == weights)
    }
  }
}
