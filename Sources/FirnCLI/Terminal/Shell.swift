internal import FirnFiles
internal import FirnGraph
internal import FirnNotation
internal import Foundation

/// Where a command runs: where its output goes and where relative paths begin.
///
/// The process has one; tests make others and read what was written.
struct Shell {
  /// Takes what a command answers.
  let output: (String) -> Void
  /// Takes what went wrong.
  let errors: (String) -> Void
  /// What is known of the place where `output` goes.
  let terminal: Terminal
  /// The whole of the standard input, at the first call; nil afterwards.
  ///
  /// What is given is asked with the first bytes whether the rest is wanted.
  let input: ((Bytes) -> Bool) throws(FirnError) -> Bytes?
  /// Relative paths begin here; nil for the process's working directory.
  let directory: String?

  /// The streams of the process.
  ///
  /// - Parameter lost: takes why something of the output could not be written.
  static func process(lost: @escaping (String) -> Void) -> Shell {
    Shell(
      output: { if let reason = Platform.write($0, to: .standardOutput) { lost(reason) } },
      errors: { Platform.write($0, to: .standardError) },
      terminal: .current(.standardOutput), input: StandardInput().read)
  }

  /// Where commands go that tests run: a pipe that nothing is written to, unless `input` says otherwise.
  ///
  /// What a terminal would obey in names from files does not come through: of errors and warnings never, of answers
  /// where a terminal shows them. Answers that a program reads are what they are; reports and tables are clean by
  /// themselves.
  init(
    output: @escaping (String) -> Void, errors: @escaping (String) -> Void, terminal: Terminal,
    input: @escaping ((Bytes) -> Bool) throws(FirnError) -> Bytes? = { _ in Bytes(copying: []) },
    directory: String? = nil
  ) {
    self.output = terminal.isInteractive ? { output(PlainText.styledLines($0)) } : output
    self.errors = { errors(PlainText.styledLines($0)) }
    self.terminal = terminal
    (self.input, self.directory) = (input, directory)
  }

  /// Writes a line.
  func line(_ text: String = "") { output(text + "\n") }

  /// Writes a table, cut to the width there is.
  func table(_ table: TextTable) { output(table.text(for: terminal)) }

  /// Writes what a value of the library prints, laid out for the width there is.
  func report(_ report: TextReport) {
    output(report.text(width: terminal.width, tableWidth: terminal.tableWidth) { $0.text(for: terminal) })
  }

  /// Writes words over as many lines as they need, each behind `indent` spaces.
  ///
  /// - Parameter first: stands in place of the first line's indentation.
  func paragraph(_ text: String, indent: Int = 0, first: String? = nil) {
    for line in TextReport.wrapped(text, width: terminal.width, indent: indent, first: first) {
      self.line(line)
    }
  }

  /// Writes a value as JSON with sorted keys, so that the same value gives the same bytes.
  ///
  /// - Parameter nonFinite: whether numbers without end may occur, which JSON has not; they are written as text.
  func json(_ value: some Encodable, nonFinite: Bool = false) throws {
    let encoder = JSONEncoder()
    if nonFinite {
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    }
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    output(Self.escaped(String(decoding: try encoder.encode(value), as: UTF8.self)) + "\n")
  }

  /// JSON with what a terminal would obey written as `\\u202e`; it stands within strings only.
  private static func escaped(_ json: String) -> String {
    guard json.unicodeScalars.contains(where: { $0 != "\n" && PlainText.isObeyed($0) }) else { return json }
    var result = String.UnicodeScalarView()
    for scalar in json.unicodeScalars {
      guard scalar != "\n", PlainText.isObeyed(scalar) else {
        result.append(scalar)
        continue
      }
      let digits = String(scalar.value, radix: 16)
      result += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars
    }
    return String(result)
  }

  /// A path as the file system is asked for it.
  func resolved(_ path: String) -> String {
    guard let directory, !path.hasPrefix("/") else { return path }
    return directory + "/" + path
  }
}
