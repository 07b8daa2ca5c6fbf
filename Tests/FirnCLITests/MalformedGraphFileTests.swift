import Foundation
import Testing

@testable import FirnCLI

/// A graph file that is wrong gives an error that says where, never a trap.
@Suite struct MalformedGraphFileTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    var name: String
    /// What is replaced in the sound file.
    var old: String
    /// What it is replaced by.
    var new: String
    /// What the error says, its position included.
    var says: [String]
    var testDescription: String { name }

    init(_ name: String, _ old: String, _ new: String, _ says: String...) {
      (self.name, self.old, self.new, self.says) = (name, old, new, says)
    }
  }

  private static let sound = """
    firn 1

    variable w : f32[2,3] {kind = "parameter", role = "kernel", trainable = true, initializer = ["constant", 1.0]}

    %x = placeholder() {dtype = f32, shape = [batch,2]} : f32[batch,2]
    %w = read() {variable = "w", dtype = f32, shape = [2,3]} : f32[2,3]
    %matmul = matmul(%x, %w) {transpose_a = false, transpose_b = false} : f32[batch,3]
    %half = constant() {value = f32[2](0.5, -0.5)} : f32[2]
    %loss = reduce_sum(%matmul) {axes = [0,1], keeps_axes = false} : f32[]
    return %loss

    """

  static let faults = [
    Fault("no header", "firn 1\n", "", "line 2"),
    Fault("another version", "firn 1", "firn 9", "line 1"),
    Fault("another word", "firn 1", "fern 1", "line 1"),
    Fault("unknown kind", "\"parameter\"", "\"parametre\"", "line 3"),
    Fault("missing brace", "1.0]}", "1.0]", "line 5"),
    Fault("missing bracket", "1.0]}", "1.0}", "line 3"),
    Fault("unknown element type", "w : f32", "w : f33", "line 3"),
    Fault("dimension in a variable", "f32[2,3] {kind", "f32[n,3] {kind", "line"),
    Fault("unknown op", "= matmul(", "= matmull(", "line 7", "matmul"),
    Fault("unknown value", "matmul(%x, %w)", "matmul(%x, %v)", "line 7"),
    Fault("wrong type", ": f32[batch,3]", ": f32[batch,4]", "line 7"),
    Fault("operand missing", "matmul(%x, %w)", "matmul(%x)", "line 7"),
    Fault("attribute missing", ", transpose_b = false}", "}", "line 7"),
    Fault("unknown attribute", "transpose_b = false", "transpose_rite = false", "line 7"),
    Fault("attribute of another type", "transpose_b = false", "transpose_b = 3", "line 7"),
    Fault("unknown variable", "variable = \"w\"", "variable = \"v\"", "line 6"),
    Fault("elements missing", "(0.5, -0.5)", "(0.5)", "line 8"),
    Fault("axis out of range", "axes = [0,1]", "axes = [0,7]", "line 9"),
    Fault("name twice", "%half =", "%x =", "line 8"),
    Fault("text without end", "role = \"kernel\"", "role = \"kernel", "line 3"),
    Fault("unknown result", "return %loss", "return %los", "line 10"),
    Fault("result of no such number", "return %loss", "return %loss:4", "line 10"),
    Fault("cut off", "%matmul) {axes", "%matmul", "line 9"),
    Fault("number too large", "[2,3]} :", "[2,99999999999999999999]} :", "line 6"),
    Fault("two extents too large", "f32[2,3] {kind", "f32[4611686018427387904,3] {kind", "line"),
  ]

  @Test func theSoundFileIsSound() throws {
    try CommandLineRunner.withDirectory { directory in
      try Self.sound.write(toFile: directory + "/model.firn", atomically: true, encoding: .utf8)
      let result = CommandLineRunner.run(["inspect", "model.firn"], in: directory)
      #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    }
  }

  @Test(arguments: faults) func aFaultHasAPosition(_ fault: Fault) throws {
    try CommandLineRunner.withDirectory { directory in
      let text = Self.sound.replacing(fault.old, with: fault.new, maxReplacements: 1)
      #expect(text != Self.sound)
      try text.write(toFile: directory + "/model.firn", atomically: true, encoding: .utf8)
      for command in ["inspect", "dot"] {
        let result = CommandLineRunner.run([command, "model.firn"], in: directory)
        #expect(result.code == 1)
        #expect(result.output.isEmpty)
        for word in fault.says + ["model.firn"] {
          #expect(result.errors.contains(word), "\(word) is missing in\n\(result.errors)")
        }
      }
    }
  }

  @Test func bytesThatAreNoText() throws {
    try CommandLineRunner.withDirectory { directory in
      try Data([0x66, 0x69, 0x72, 0x6E, 0xFF, 0xFE]).write(
        to: URL(fileURLWithPath: directory + "/model.firn"))
      #expect(CommandLineRunner.run(["inspect", "model.firn"], in: directory).code == 1)
      #expect(CommandLineRunner.run(["inspect", "missing.firn"], in: directory).code == 1)
      #expect(CommandLineRunner.run(["inspect", directory], in: directory).code == 1)
    }
  }
}
