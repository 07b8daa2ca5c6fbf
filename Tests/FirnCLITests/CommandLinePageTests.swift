import FirnNotation
import Foundation
import Testing

@testable import FirnCLI

/// Every command of `Docs/CommandLine.md` gives what the page shows.
///
/// With `FIRN_RECORD` set the page is rewritten to what the commands give, and the test fails, so that nobody records
/// without looking.
@Suite struct CommandLinePageTests {
  private static let path = CommandLineRunner.root + "/Docs/CommandLine.md"

  @Test func everyCommandGivesWhatThePageShows() throws {
    let page = try String(contentsOfFile: Self.path, encoding: .utf8)
    let answered = try Self.answered(page)
    if ProcessInfo.processInfo.environment["FIRN_RECORD"] != nil {
      try answered.write(toFile: Self.path, atomically: true, encoding: .utf8)
      Issue.record("the page was rewritten; look at it and run again")
      return
    }
    let (shown, given) = (page.split(separator: "\n"), answered.split(separator: "\n"))
    for (number, (a, b)) in zip(shown, given).enumerated() where a != b {
      Issue.record("line \(number + 1) that is not empty: the page shows\n\(a)\nbut the command gives\n\(b)")
      return
    }
    #expect(shown.count == given.count)
  }

  @Test func thePageShowsEveryCommand() throws {
    let page = try String(contentsOfFile: Self.path, encoding: .utf8)
    for entry in Main.entries where entry.declaration.name != "demo" {
      #expect(page.contains("$ firn \(entry.declaration.name)"), "\(entry.declaration.name)")
    }
  }

  @Test func linesFitTheirWidth() throws {
    let page = try String(contentsOfFile: Self.path, encoding: .utf8)
    let blocks = page.split(separator: "```", omittingEmptySubsequences: false)
    for (index, block) in blocks.enumerated() where !index.isMultiple(of: 2) {
      // DOT is read by programs.
      if block.contains("$ firn dot") { continue }
      for line in block.split(separator: "\n") where !line.hasPrefix("$ ") && line != "sh" {
        #expect(DisplayText.width(of: String(line)) <= 100, "\(line)")
      }
    }
  }

  /// The page with what follows each `$ firn …` line of a fenced block replaced by what that command writes.
  ///
  /// `| head -N` at the end of a line is understood; an exit code other than 0 is shown in brackets. What commands write
  /// lands in a folder beside which `Examples` seems to be.
  private static func answered(_ page: String) throws -> String {
    try CommandLineRunner.withDirectory { directory in
      try FileManager.default.createSymbolicLink(
        atPath: directory + "/Examples", withDestinationPath: CommandLineRunner.root + "/Examples")
      return answered(page, in: directory)
    }
  }

  private static func answered(_ page: String, in directory: String) -> String {
    var result: [String] = []
    var (isInBlock, skips) = (false, false)
    for line in page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if line.hasPrefix("```") {
        (isInBlock, skips) = (!isInBlock, false)
        result.append(line)
      } else if isInBlock, line.hasPrefix("$ firn ") {
        result.append(line)
        result += answer(String(line.dropFirst("$ firn ".count)), in: directory)
        skips = true
      } else if !skips {
        result.append(line)
      }
    }
    return result.joined(separator: "\n")
  }

  private static func answer(_ line: String, in directory: String) -> [String] {
    let parts = line.split(separator: " | head -n ")
    let outcome = CommandLineRunner.run(CommandLineRunner.words(of: String(parts[0])), in: directory)
    var lines = (outcome.output + outcome.errors).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    while lines.last == "" { lines.removeLast() }
    if parts.count > 1, let limit = Int(parts[1]) { lines = Array(lines.prefix(limit)) }
    if outcome.code != 0 { lines.append("[exit code \(outcome.code)]") }
    return lines
  }
}
