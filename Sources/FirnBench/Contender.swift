import Foundation

/// Who does the work of a row, in a process of its own: Firn, or another library.
struct Contender: Sendable {
  /// Such as `torch`; more than one contender can be of one library.
  var library: String
  /// How it does the work where there is more than one way.
  var variant: String?
  /// The program that measures one row on some threads, with its arguments.
  var command: @Sendable (_ row: WorkRow, _ threads: Int) -> (program: String, arguments: [String])

  enum Outcome {
    case measured(RowMeasurement)
    /// The library is not installed.
    case absent
    /// It could not do the work; the last it said.
    case failed(String)
  }

  static let firn = Contender(library: "firn") { row, threads in
    (Bundle.main.executablePath ?? CommandLine.arguments[0], ["--one", row.name, "--threads", "\(threads)"])
  }

  static let libraries = ["torch", "jax", "tensorflow"]

  /// Other libraries on a row; PyTorch twice where what is frozen is a prefix.
  static func peers(_ python: String, on row: WorkRow) -> [Contender] {
    libraries.flatMap { library in
      (library == "torch" && row.row.isPrefixFrozen ? ["no_grad", "plain"] : [nil]).map { variant in
        Contender(library: library, variant: variant) { row, threads in
          var words = [peersScript, library, row.work.name, row.row.name, "--threads", "\(threads)"]
          if let variant { words += ["--prefix", variant] }
          // Found in PATH, as a shell would.
          return ("/usr/bin/env", [python] + words)
        }
      }
    }
  }

  private static let peersScript = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "peers.py").path

  /// - Throws: `UsageError` where `python` does not start.
  static func require(python: String) throws {
    let ended = try output(of: "/usr/bin/env", [python, "-c", ""])
    if ended.code != 0 { throw UsageError("`\(python)` is no Python that starts: \(ended.lastWords)") }
  }

  /// The code by which `peers.py` says that a library is not there.
  private static let absentCode: Int32 = 3

  /// Measures once; the time of the first step is that from the start of the process.
  func measure(_ row: WorkRow, threads: Int) throws -> Outcome {
    let (program, arguments) = command(row, threads)
    let start = Date().timeIntervalSince1970
    let ended = try Self.output(of: program, arguments)
    if ended.code == Self.absentCode { return .absent }
    guard ended.code == 0 else { return .failed(ended.lastWords) }
    do {
      var measurement = try JSONDecoder().decode(RowMeasurement.self, from: ended.output)
      guard !measurement.milliseconds.isEmpty else { return .failed("it timed no step") }
      measurement.firstStep -= start
      return .measured(measurement)
    } catch {
      return .failed("it printed no measurement: \(error)")
    }
  }

  private static func output(
    of program: String, _ arguments: [String]
  ) throws -> (code: Int32, output: Data, lastWords: String) {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    // A file, since a pipe that nobody empties would stop the process.
    let errors = FileManager.default.temporaryDirectory.appending(path: "firn-bench-\(UUID().uuidString)")
    try Data().write(to: errors)
    defer { try? FileManager.default.removeItem(at: errors) }
    let file = try FileHandle(forWritingTo: errors)
    process.standardError = file
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try file.close()
    let said = String(decoding: (try? Data(contentsOf: errors)) ?? Data(), as: UTF8.self)
    let last = said.split(separator: "\n").last { !$0.allSatisfy(\.isWhitespace) }
    return (
      process.terminationStatus, data, last.map(String.init) ?? "exit code \(process.terminationStatus)"
    )
  }
}
