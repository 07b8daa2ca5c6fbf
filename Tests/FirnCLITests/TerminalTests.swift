import Testing

@testable import FirnCLI

@Suite struct TerminalTests {
  private func terminal(_ isTerminal: Bool, _ columns: Int?, _ environment: [String: String] = [:])
    -> Terminal
  {
    Terminal(isTerminal: isTerminal, columns: columns) { environment[$0] }
  }

  @Test func width() {
    #expect(terminal(true, 132).width == 132)
    #expect(terminal(true, 132, ["COLUMNS": "60"]).width == 60)
    #expect(terminal(true, 132, ["COLUMNS": "-3"]).width == 132)
    #expect(terminal(false, nil, ["COLUMNS": "wide"]).width == 100)
  }

  @Test func styles() {
    #expect(terminal(true, 80).bold("x") == "\u{1B}[1mx\u{1B}[0m")
    #expect(terminal(true, 80, ["NO_COLOR": "1"]).bold("x") == "x")
    #expect(terminal(true, 80, ["NO_COLOR": ""]).usesStyles)
    #expect(terminal(false, nil).dim("x") == "x")
    #expect(!terminal(true, 80, ["TERM": "dumb"]).isInteractive)
  }
}
