import FirnNotation
import Testing

@Suite struct TextTableTests {
  private static func sample() -> TextTable {
    var table = TextTable([.init("scope"), .init("status"), .init("cost", .right)])
    table.append(["encoder/layer_1/attention", "frozen", "1.2 MFLOP"])
    table.append(["head", "trained", "310 FLOP"])
    table.append(["größe/漢字/e\u{301}", "trained"])
    return table
  }

  @Test func columnsLineUp() {
    var table = TextTable([.init("scope"), .init("cost", .right)])
    table.append(["encoder", "12"])
    table.append(["漢字", "3"])
    table.append(["x"])
    #expect(table.text() == "scope    cost\n-------  ----\nencoder    12\n漢字        3\nx\n")
  }

  @Test(arguments: 1...60)
  func numbersAloneExceedTheWidth(_ width: Int) {
    let text = Self.sample().text(width: width)
    for line in text.split(separator: "\n") {
      #expect(DisplayText.width(of: String(line)) <= max(width, 28))
      #expect(line.last != " ")
    }
    #expect(text.contains(" 1.2 MFLOP\n") && text.contains(" 310 FLOP\n"))
  }

  /// A number without its last digits or its unit is another one.
  @Test func headingsAreShortenedBeforeNumbers() {
    var table = TextTable([.init("scope", .name), .init("parameters", .right), .init("bytes", .right)])
    table.append(["embedding/table", "160,000", "625.0 KiB"])
    table.append(["head", "132", "528 B"])
    #expect(
      table.text(width: 28) == """
        scope     parame…      bytes
        --------  -------  ---------
        embeddin  160,000  625.0 KiB
          g/
          table
        head          132      528 B

        """)
    #expect(table.text(width: 1) == table.text(width: 28))
  }

  /// What is indented stays so, of words as of names.
  @Test func indentedCellsStayIndented() {
    var table = TextTable([.init("part"), .init("scope", .name)])
    table.append(["nodes", "encoder"])
    table.append(["  of these here", "  layer"])
    #expect(
      table.text()
        == "part             scope\n---------------  -------\nnodes            encoder\n  of these here    layer\n"
    )
  }

  /// Of a path nothing is lost: it goes on below, broken behind a `/` or `_`.
  @Test func pathsAreBroken() {
    #expect(
      Self.sample().text(width: 36).split(separator: "\n").prefix(5) == [
        "scope             status        cost", "----------------  -------  ---------",
        "encoder/layer_1/  frozen   1.2 MFLOP", "  attention", "head              trained   310 FLOP",
      ])
    #expect(
      DisplayText.broken("  encoder/recurrent_kernel", to: 16) == [
        "  encoder/", "    recurrent_", "    kernel",
      ])
    #expect(DisplayText.broken("encoderrecurrent", to: 9) == ["encoderre", "  current"])
    #expect(DisplayText.broken("kernel", to: 6) == ["kernel"])
  }

  @Test func namesAreBrokenAfterWordsAreWrapped() {
    var table = TextTable([.init("name", .name), .init("why"), .init("cost", .right)])
    table.append(["encoder/layer_2/recurrent_kernel", "frozen by its declaration in the model", "12"])
    #expect(
      table.text(width: 62) == """
        name                              why                     cost
        --------------------------------  ----------------------  ----
        encoder/layer_2/recurrent_kernel  frozen by its             12
                                          declaration in the
                                          model

        """)
    #expect(
      table.text(width: 54) == """
        name                        why                   cost
        --------------------------  --------------------  ----
        encoder/layer_2/recurrent_  frozen by its           12
          kernel                    declaration in the
                                    model

        """)
  }

  @Test func wordsWrapRatherThanBeCut() {
    var table = TextTable([.init("name", .name), .init("why"), .init("cost", .right)])
    table.append(["encoder/kernel", "frozen by its declaration in the model", "12"])
    table.append(["head", "", "3"])
    #expect(
      table.text(wrappedTo: 44) == """
        name            why                     cost
        --------------  ----------------------  ----
        encoder/kernel  frozen by its             12
                        declaration in the
                        model
        head                                       3

        """)
    // What has no shorter line stays whole.
    #expect(table.text(wrappedTo: 1) == table.text(wrappedTo: 42))
    #expect(table.text(wrappedTo: 100) == table.text())
  }

  @Test func aCellStaysOnItsLine() {
    var table = TextTable([.init("a\tb")])
    table.append(["x\ny\r\nz\u{1B}[2J"])
    #expect(table.text() == "a b\n---------\nx y z [2J\n")
  }

  @Test func aTableWithoutColumnsIsEmpty() {
    var table = TextTable([])
    table.append(["surplus"])
    #expect(table.text().isEmpty)
  }
}
