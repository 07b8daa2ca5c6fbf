import FirnNotation
import Testing

@testable import FirnCLI

/// On a narrow terminal nothing is lost; for a program, a row is a line.
@Suite struct WidthTests {
  private static let lines = [
    ["explain", "Examples/Graphs/lstm-classifier.firn", "--freeze", "encoder"],
    ["explain", "Examples/Graphs/lstm-classifier.firn", "encoder/layer_0/kernel"],
    [
      "query", "Examples/Graphs/lstm-classifier.firn", "encoder & !role(bias)", "--freeze", "encoder/layer_0",
    ],
    ["inspect", "Examples/Graphs/digits-network.firn"],
    ["weights", "Examples/Graphs/custom-cell.safetensors"],
  ]

  @Test(arguments: lines) func eightyColumnsHoldEverything(_ line: [String]) {
    let wide = CommandLineRunner.run(line, terminal: Terminal(isInteractive: true, width: 400)).output
    let narrow = CommandLineRunner.run(line, terminal: Terminal(isInteractive: true, width: 80)).output
    for row in narrow.split(separator: "\n") { #expect(DisplayText.width(of: String(row)) <= 80, "\(row)") }
    #expect(!narrow.contains("…"), "\(narrow)")
    // Every character is there, as often; words may be broken over lines.
    func characters(_ text: String) -> String { String(text.filter { !" \n-".contains($0) }.sorted()) }
    #expect(characters(narrow) == characters(wide))
  }

  @Test func aPipedTableIsOneTable() {
    let line = ["cost", "Examples/Graphs/lstm-classifier.firn", "--freeze", "encoder"]
    let terminal = Terminal(isTerminal: false, columns: nil) { _ in nil }
    let piped = CommandLineRunner.run(line, terminal: terminal).output
    #expect(piped.split(separator: "\n").count { $0.hasPrefix("scope ") } == 1)
    #expect(piped.split(separator: "\n")[0].hasSuffix("unfrozen"))
    let wished = CommandLineRunner.run(
      line, terminal: Terminal(isTerminal: false, columns: nil) { $0 == "COLUMNS" ? "100" : nil })
    #expect(wished.output.split(separator: "\n").count { $0.hasPrefix("scope ") } == 2)
  }
}
