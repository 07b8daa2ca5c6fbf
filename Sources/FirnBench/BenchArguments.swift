import FirnGraph

/// A command line that cannot be meant; ends the process with code 2.
struct UsageError: Error, Equatable {
  var message: String

  init(_ message: String) { self.message = message }
}

/// What `firn-bench` is asked to do.
struct BenchArguments: Equatable {
  enum Task: Equatable {
    case help
    /// Runs benchmarks and prints what they find.
    case measure
    /// One row in this process, as JSON: what `measure` starts for each.
    case one(String)
    case check(String)
    case record(String)
  }

  var task = Task.measure
  /// Which benchmarks are run, in the order of `Main.benchmarks`.
  var benchmarks: [String] = []
  /// Which rows of `training`, in their order there.
  var rows: [String] = []
  var threads = [2, 1]
  /// How often each row is measured, in turns with other libraries.
  var rounds = 1
  /// A Python that has other libraries.
  var peer: String?
  /// Where the table goes as JSON, `-` for standard output.
  var json: String?
  /// The ResNet-18 that `imported` reads; nil for the one that Firn writes.
  var onnx: String?

  init(_ words: [String]) throws(UsageError) {
    var given: [String: String] = [:]
    var names: [String] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("-"), word != "-" else {
        names.append(word)
        continue
      }
      if word == "--help" || word == "-h" {
        task = .help
        return
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard let option = Self.options.first(where: { $0.name == parts[0] }) else {
        throw UsageError(Self.unknown("option", parts[0], among: Self.options.map(\.name) + ["--help"]))
      }
      guard let value = parts.count == 2 ? parts[1] : rest.popFirst(), !value.isEmpty,
        parts.count == 2 || value == "-" || !value.hasPrefix("-")
      else { throw UsageError("\(option.name) needs a value: \(option.name) \(option.value)") }
      guard given.updateValue(value, forKey: option.name) == nil else {
        throw UsageError("\(option.name) is given twice")
      }
    }
    try take(given)
    try take(names: names, tableOptions: Self.tableOptions.filter { given[$0] != nil })
    if onnx != nil, task != .measure || !benchmarks.contains("imported") {
      throw UsageError("--onnx is for `imported`, which is not among what is to be run")
    }
  }

  /// Those that mean something for `training` alone.
  private static let tableOptions = ["--peer", "--threads", "--rounds", "--json"]

  private mutating func take(_ given: [String: String]) throws(UsageError) {
    let tasks = ["--check", "--record", "--one"].filter { given[$0] != nil }
    if tasks.count > 1 { throw UsageError("\(tasks[0]) and \(tasks[1]) do not go together") }
    if let file = given["--check"] { task = .check(file) }
    if let file = given["--record"] { task = .record(file) }
    if let task = tasks.first {
      for option in ["--peer", "--rounds", "--json"] where given[option] != nil {
        throw UsageError("\(task) and \(option) do not go together")
      }
    }
    peer = given["--peer"]
    json = given["--json"]
    onnx = given["--onnx"]
    if let list = given["--threads"] {
      let counts = list.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
      guard counts.allSatisfy({ (1...1024).contains($0) }), Set(counts).count == counts.count else {
        throw UsageError("--threads is a list of different numbers from 1, such as 2,1; it is `\(list)`")
      }
      threads = counts
    }
    rounds = peer == nil ? 1 : 2
    if let text = given["--rounds"] {
      guard let number = Int(text), (1...1000).contains(number) else {
        throw UsageError("--rounds is a number from 1; it is `\(text)`")
      }
      rounds = number
    }
    if let row = given["--one"] {
      guard WorkRow.all.contains(where: { $0.name == row }) else {
        throw UsageError(Self.unknown("row", row, among: WorkRow.all.map(\.name)))
      }
      guard threads.count == 1 || given["--threads"] == nil else {
        throw UsageError("--one is measured on one number of threads: --threads 2")
      }
      threads = [threads[0]]
      task = .one(row)
    }
  }

  private mutating func take(names: [String], tableOptions: [String]) throws(UsageError) {
    let (works, all) = (Work.all.map(\.name), WorkRow.all)
    var chosen: Set<String> = []
    for name in names where !Main.benchmarks.contains(where: { $0.name == name }) {
      guard works.contains(name) || all.contains(where: { $0.name == name }) else {
        throw UsageError(
          Self.unknown("benchmark", name, among: Main.benchmarks.map(\.name) + works + all.map(\.name))
            + "\nbenchmarks: \(Main.benchmarks.map(\.name).joined(separator: ", "))"
            + "\nworks of training: \(works.joined(separator: ", "))")
      }
      chosen.formUnion(all.filter { $0.name == name || $0.work.name == name }.map(\.name))
    }
    rows = all.map(\.name).filter { chosen.isEmpty || chosen.contains($0) }
    var wanted = names.filter { name in Main.benchmarks.contains { $0.name == name } }
    switch task {
    case .check, .record, .one:
      if case .one = task, !names.isEmpty { throw UsageError("--one takes no further names") }
      if case .record = task, !names.isEmpty {
        throw UsageError("--record counts all rows and takes no names")
      }
      if let other = wanted.first(where: { $0 != "training" }) {
        throw UsageError("`\(other)` has no counts: only rows of `training` are checked and recorded")
      }
      return
    case .help, .measure: break
    }
    // A row alone, or an option that only it has, asks for `training`; a row beside other benchmarks adds it.
    if !chosen.isEmpty || names.isEmpty && !tableOptions.isEmpty { wanted.append("training") }
    benchmarks = Main.benchmarks.map(\.name).filter { wanted.isEmpty || wanted.contains($0) }
    if let option = tableOptions.first, !benchmarks.contains("training") {
      throw UsageError("\(option) is for `training`, which is not among what is to be run")
    }
    if json == "-", benchmarks != ["training"] {
      throw UsageError("--json - prints the table of `training` alone; name a file to run others beside it")
    }
  }

  private static func unknown(_ kind: String, _ name: String, among names: [String]) -> String {
    let near = NearestNames(to: name, among: names).question.map { "; \($0)" } ?? ""
    return "there is no \(kind) `\(name)`" + near
      + (kind == "option" ? "\noptions: \(names.joined(separator: ", "))" : "")
  }
}

// MARK: Help

extension BenchArguments {
  private static let options: [(name: String, value: String, help: String)] = [
    ("--peer", "PYTHON", "does the same work in the PyTorch, JAX and TensorFlow of that Python, in turns"),
    ("--threads", "LIST", "numbers of threads, a line of the table for each; 2,1 by default"),
    ("--rounds", "N", "measures each row so often and takes the best; 2 with --peer, 1 without"),
    ("--json", "FILE", "writes the table as JSON too; - prints it instead of the table"),
    ("--check", "FILE", "counts instead of timing, and compares with FILE; exit code 1 on a rise"),
    ("--record", "FILE", "counts, and writes FILE"),
    (
      "--onnx", "FILE", "of `imported`: a ResNet-18 with inputs [batch,3,size,size], such as PyTorch's export"
    ),
    ("--one", "WORK/ROW", "measures one row in this process and prints JSON; the table starts this for each"),
  ]

  /// What `--help` prints.
  static var help: String {
    func list(_ entries: [(String, String)]) -> String {
      let width = entries.map(\.0.count).max() ?? 0
      return entries.map { "  " + $0.0.padded(to: width) + "  " + $0.1 }.joined(separator: "\n")
    }
    let works = Work.all.map { ($0.name, $0.rows.map(\.name).joined(separator: ", ")) }
    return """
      usage: firn-bench [NAME …] [OPTION …]

      Runs the benchmarks named, or all. A work of `training`, or WORK/ROW, is a name as well.

      benchmarks:
      \(list(Main.benchmarks.map { ($0.name, $0.help) }))

      works of training, and their rows:
      \(list(works))

      options, of training where nothing else is said:
      \(list(options.map { ("\($0.name) \($0.value)", $0.help) }))

      examples:
        firn-bench products
        firn-bench lstm-128 gru-128/frozen --peer /usr/bin/python3 --threads 2
        firn-bench --check Sources/FirnBench/counts.json
      """
  }
}
