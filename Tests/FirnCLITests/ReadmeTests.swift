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
    let docs = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent("Docs").path
    ).filter { $0.hasSuffix(".md") }.sorted().map { "Docs/" + $0 }
    #expect(docs.contains("Docs/CommandLine.md"))
    for page in ["README.md", "CONTRIBUTING.md"] + docs {
      let folder = Self.root.appendingPathComponent(page).deletingLastPathComponent()
      // Links stand in prose, not in code.
      let prose = try file(page).split(separator: /```|`/, omittingEmptySubsequences: false).enumerated()
        .filter { $0.offset.isMultiple(of: 2) }.map { $0.element }.joined(separator: "code")
      for match in prose.matches(of: /\]\(([^)#:]+)(#[^)]*)?\)/) {
        let target = folder.appendingPathComponent(String(match.1)).path
        #expect(FileManager.default.fileExists(atPath: target), "\(page): \(match.1)")
      }
    }
  }
}
