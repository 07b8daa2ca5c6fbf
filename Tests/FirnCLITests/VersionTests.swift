import Foundation
import Testing

@testable import FirnCLI

@Suite struct VersionTests {
  @Test func theCommandSaysItsVersion() {
    let result = CommandLineRunner.run("--version")
    #expect(result.code == 0 && result.output == "firn \(Main.version)\n")
    #expect(CommandLineRunner.run("--help").output.contains("--version"))
  }

  /// The newest heading of `CHANGELOG.md` with a number; before the first release, one that is still to come.
  @Test func itIsTheOneOfTheChangelog() throws {
    let text = try String(contentsOfFile: CommandLineRunner.root + "/CHANGELOG.md", encoding: .utf8)
    let released = text.split(separator: "\n").first { $0.hasPrefix("## ") && $0.contains { $0.isNumber } }
    if let released {
      #expect(released.dropFirst(3).hasPrefix(Main.version) || released.contains("[\(Main.version)]"))
    } else {
      #expect(Main.version.hasSuffix("-dev"))
    }
  }
}
