import Foundation
import Testing

/// What the README shows is what is there.
@Suite struct ReadmeTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private func file(_ path: String) throws -> String {
    try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
  }

  @Test func firstProgramIsTheExample() throws {
    let program = try file("Examples/FirstSteps/main.swift").trimmingCharacters(in: .newlines)
    #expect(try file("README.md").contains("```swift\n\(program)\n```"))
  }

  @Test func linksLeadSomewhere() throws {
    for page in [
      "README.md", "CONTRIBUTING.md", "Docs/Architecture.md", "Docs/Freezing.md", "Docs/AddingAnOp.md",
    ] {
      let folder = Self.root.appendingPathComponent(page).deletingLastPathComponent()
      for match in try file(page).matches(of: /\]\(([^)#:]+)(#[^)]*)?\)/) {
        let target = folder.appendingPathComponent(String(match.1)).path
        #expect(FileManager.default.fileExists(atPath: target), "\(page): \(match.1)")
      }
    }
  }
}
