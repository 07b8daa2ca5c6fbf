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
  let input: () -> [UInt8]?
  /// Relative paths begin here; nil for the process's working directory.
  let directory: String?

  /// The streams of the process.
  static var process: Shell {
    Shell(
      output: { Platform.write($0, to: .standardOutput) }, errors: { Platform.write($0, to: .standardError) },
      terminal: .current(.standardOutput), input: StandardInput().read)
  }

  /// Where commands go that tests run: a pipe that nothing is written to, unless `input` says otherwise.
  init(
    output: @escaping (String) -> Void, errors: @escaping (String) -> Void, terminal: Terminal,
    input: @escaping () -> [UInt8]? = { [] }, directory: String? = nil
  ) {
    (self.output, self.errors, self.terminal) = (output, errors, terminal)
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
    output(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n")
  }

  /// A path as the file system is asked for it.
  func resolved(_ path: String) -> String {
    guard let directory, !path.hasPrefix("/") else { return path }
    return directory + "/" + path
  }
}
