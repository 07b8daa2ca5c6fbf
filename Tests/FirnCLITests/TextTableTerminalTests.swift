import FirnNotation
import Testing

@testable import FirnCLI

@Suite struct TextTableTerminalTests {
  @Test func headerIsBoldWhereStylesMayBeUsed() {
    var table = TextTable([.init("scope"), .init("cost", .right)])
    table.append(["encoder/layer_1/attention", "1.2 MFLOP"])
    #expect(
      table.text(for: Terminal(isInteractive: true, width: 80, usesStyles: true)).hasPrefix("\u{1B}[1mscope"))
    #expect(table.text(for: Terminal(isInteractive: false, width: 20)) == table.text(width: 20))
  }
}
