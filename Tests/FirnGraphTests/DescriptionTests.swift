import FirnGraph
import Testing

/// What parts of variables print.
@Suite struct DescriptionTests {
  @Test(arguments: [
    ("\(Region.whole)", "whole"),
    ("\(Region.blocks([Block(axis: 0, range: 0..<3), Block(axis: 0, range: 5..<6)]))", "[0..<3][5..<6]"),
    ("\(Region.blocks([Block(axis: 1, range: 2..<4)]))", "[axis 1: 2..<4]"),
    ("\(BlockNames(["input", "forget"]))", "blocks input, forget along the last axis"),
    ("\(BlockNames(["input", "forget"], axis: 0))", "blocks input, forget along axis 0"),
  ]) func valuesPrintInWords(_ text: String, _ expected: String) { #expect(text == expected) }
}
