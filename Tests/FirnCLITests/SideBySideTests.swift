import Foundation
import Testing

/// The page that holds examples beside the same in PyTorch: both are what is run, and Firn's is shorter.
@Suite struct SideBySideTests {
  private static let page = "Docs/SideBySide.md"
  private static let sections: [(title: String, swift: [String], python: String)] = [
    ("## Pretrain, freeze, adapt", ["Examples/Sunspots/Forecaster.swift"], "Docs/PyTorch/sunspots.py"),
    (
      "## Two heads on one trunk", ["Examples/DigitsTransfer/Learner.swift"],
      "Docs/PyTorch/digits_transfer.py"
    ),
    (
      "## Gradual unfreezing", ["Examples/GradualUnfreezing/main.swift"], "Docs/PyTorch/gradual_unfreezing.py"
    ),
    (
      "## Killed and started again", ["Examples/ResumeTraining/main.swift"], "Docs/PyTorch/resume_training.py"
    ),
  ]

  /// The blocks of a language between two titles.
  private func blocks(_ language: String, _ section: Int) throws -> [[String]] {
    let next = section + 1 < Self.sections.count ? Self.sections[section + 1].title : nil
    let all = try PageText.blocks(language, of: Self.page, before: next)
    let before = try PageText.blocks(language, of: Self.page, before: Self.sections[section].title)
    return Array(all.dropFirst(before.count))
  }

  @Test(arguments: sections.indices) func blocksArePartsOfTheProgramsAndFirnsAreShorter(_ number: Int) throws
  {
    let section = Self.sections[number]
    let (swift, python) = (try blocks("swift", number), try blocks("python", number))
    #expect(!swift.isEmpty && python.count == 1)
    for block in swift { #expect(try PageText.contain(section.swift, block), "\(section.title)") }
    for block in python { #expect(try PageText.contain([section.python], block), "\(section.title)") }
    /// Lines that do something.
    func count(_ blocks: [[String]], _ comments: String...) -> Int {
      blocks.joined().count { line in !line.isEmpty && !comments.contains { line.hasPrefix($0) } }
    }
    let (own, other) = (count(swift, "//"), count(python, "#", "\"\"\""))
    #expect(own < other, "\(section.title): \(own) lines, PyTorch \(other)")
  }

  /// The last of the steps that warm up has the whole rate.
  @Test func bothWarmUpAlike() throws {
    let (swift, python) = (try blocks("swift", 3).joined(), try blocks("python", 3).joined())
    let counts = swift.compactMap { $0.firstMatch(of: #/warmUp\(over: (\d+)/#)?.output.1 }
    let steps = try #require(counts.first)
    #expect(python.contains { $0.contains("return (step + 1) / \(steps)") })
  }
}
