import Foundation
import Testing

/// What pages show of programs is in the programs, and what they say of them is so.
@Suite struct ProgramPageTests {
  private func run(_ name: String, _ arguments: String...) throws -> ExampleProgram.Transcript {
    let result = try #require(ExampleProgram(name), "\(name) is not built").run(arguments)
    #expect(result.errors == "", "\(name)")
    return result
  }

  private func expectQuotes(in page: String, from output: ExampleProgram.Transcript) throws {
    let printed = Set(output.lines.map { $0.trimmingCharacters(in: .whitespaces) })
    let quotes = try PageText.blocks("", of: page).joined()
    for line in quotes { #expect(printed.contains(line), "\(page): \(line)") }
  }

  @Test(arguments: [
    ("Docs/Training.md", "TrainFromCSV"), ("Docs/InAndOutOfPyTorch.md", "InAndOutOfPyTorch"),
  ]) func everySwiftBlockIsPartOfTheProgram(page: String, program: String) throws {
    // What comes after the program stands by itself.
    let blocks = try PageText.blocks("swift", of: page, before: "## What else a trainer does")
    #expect(blocks.count > 7)
    for block in blocks {
      #expect(
        try PageText.contain(["Examples/\(program)/main.swift"], block),
        "\(page): \(block.joined(separator: "\n"))")
    }
  }

  @Test func training() throws {
    try CommandLineRunner.withDirectory { folder in
      let output = try run("TrainFromCSV", folder)
      #expect(output.contains("f32 [300, 3] i32 [300]"))
      #expect(output.contains("examples: 200 50 50"))
      #expect(output.rest("ended: ") != nil && output.rest("best: epoch ") != nil)
      let (loss, accuracy) = (try output.number("test loss "), output.numbers("test loss ")[1])
      // Of three kinds a guess is right a third of the time.
      #expect(loss < 0.6 && accuracy > 0.8)
      #expect(output.contains("so it is willow"))
      #expect(output.contains("from the checkpoint, the same numbers: true true"))
      #expect(output.contains("checkpoints of steps [7, 10, 14] after 4 more"))
      #expect(output.contains("moved: head/kernel, head/bias"))
      let curves = try String(contentsOfFile: folder + "/history.csv", encoding: .utf8)
      #expect(curves.hasPrefix("epoch,step,stage,training loss,loss,accuracy,"))
      #expect((12...41).contains(curves.split(separator: "\n").count))
      #expect(try String(contentsOfFile: folder + "/history.svg", encoding: .utf8).hasPrefix("<svg"))
    }
  }

  @Test func inAndOutOfPyTorch() throws {
    let output = try run("InAndOutOfPyTorch")
    #expect(output.contains("part: trunk/conv/kernel, trunk/conv/bias"))
    #expect(output.contains("converted: 2 as they are: 2"))
    // What the page says of two biases and of one.
    #expect(output.contains("SGD, one bias as the sum of two: true"))
    #expect(output.contains("Adam, one bias as the sum of two: true"))
    #expect(output.contains("SGD as it is, one bias as the sum of two: false"))
    #expect(output.contains("conv.weight [6, 3, 3, 3]") && output.contains("rnn.weight_ih_l0 [16, 24]"))
    #expect(output.contains("out and in again, the same bits: true"))
    try expectQuotes(in: "Docs/InAndOutOfPyTorch.md", from: output)
  }

  // MARK: Layers, losses and ops

  /// Each row the program prints begins a row of the page.
  @Test func tablesOfLayersAreTrue() throws {
    let rows = try run("LayersLossesAndOps").lines.filter { $0.hasPrefix("|") }
    let page = try PageText.lines("Docs/LayersLossesAndOps.md")
    #expect(rows.count > 40)
    for row in rows { #expect(page.contains { $0.hasPrefix(row) }, "not in the page: \(row)") }
  }

  @Test(arguments: [
    ("Sources/FirnNN", #"public (?:final )?class (\w+)"#), ("Sources/FirnOps", #"public func (\w+)"#),
  ]) func noLayerOrOpIsMissing(folder: String, declaration: String) throws {
    let page = try PageText.lines("Docs/LayersLossesAndOps.md").joined(separator: "\n")
    let pattern = try Regex(declaration, as: (Substring, Substring).self)
    var names: Set<String> = []
    let root = CommandLineRunner.root + "/" + folder
    let files = try #require(FileManager.default.enumerator(atPath: root)).compactMap { $0 as? String }
    for file in files where file.hasSuffix(".swift") {
      let text = try String(contentsOfFile: "\(root)/\(file)", encoding: .utf8)
      names.formUnion(text.matches(of: pattern).map { String($0.output.1) })
    }
    names.remove("callAsFunction")
    names.remove("replaceHead")
    #expect(names.count > 20)
    for name in names.sorted() {
      let mention = try Regex("[`. (]\(name)[`(]")
      #expect(page.contains(mention), "Docs/LayersLossesAndOps.md says nothing of \(name)")
    }
  }

  // MARK: Errors

  @Test func everyCodeIsInThePageAndCanBeMet() throws {
    let source = try PageText.lines("Sources/FirnGraph/Errors/FirnError.swift").joined(separator: "\n")
    let declared = source.matches(of: /public static let (\w+) = Code\(rawValue: "([a-z-]+)"\)/)
      .map { (name: String($0.output.1), code: String($0.output.2)) }
    let rows = try PageText.lines("Docs/Errors.md").filter { $0.hasPrefix("| `") }
    #expect(declared.count > 10)
    #expect(rows.count == declared.count)
    let output = try run("Errors")
    for (name, code) in declared {
      #expect(rows.contains { $0.hasPrefix("| `\(code)` | `.\(name)` | ") }, "\(code)")
      #expect(
        output.lines.contains { $0.trimmingCharacters(in: .whitespaces).hasPrefix("error[\(code)]: ") },
        "\(code)")
      if let title = output.lines.firstIndex(of: "== \(code)") {
        #expect(output.lines[title + 1].hasPrefix("error[\(code)]: "), "\(output.lines[title + 1])")
      }
    }
    #expect(!output.contains("nothing failed"))
    #expect(output.contains("the data is wrong: feed of `x`: axis 1 is 4, wanted is 3"))
    #expect(output.contains("unchanged: true"))
    try expectQuotes(in: "Docs/Errors.md", from: output)
  }
}
