import FirnCompiler
import Foundation
import Testing

@testable import FirnCLI

/// `--storing-frozen`: what is held in a smaller type, told before anything runs.
@Suite struct StoringFrozenTests {
  private static let line = ["Examples/Graphs/text-classifier.firn", "--freeze", "embedding | lstm"]

  @Test func costSaysWhatIsStored() throws {
    let plain = CommandLineRunner.run(["cost"] + Self.line)
    #expect(plain.code == 0 && !plain.output.contains("Stored"))
    for (type, share) in [("bfloat16", 0.5), ("float16", 0.5), ("int8", 0.3)] {
      let line = ["cost"] + Self.line + ["--storing-frozen", type]
      let result = CommandLineRunner.run(line)
      #expect(result.code == 0)
      let words = result.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(words.contains("Stored as \(type): 3 variables"), "\(result.output)")
      #expect(words.contains("nothing multiplies by it as a kernel, or looks it up"))
      struct Answer: Decodable {
        struct Cost: Decodable { let frozen: FrozenReport }
        let cost: Cost
      }
      let json = CommandLineRunner.run(line + ["--json"])
      let answer = try JSONDecoder().decode(Answer.self, from: Data(json.output.utf8))
      let stored = try #require(answer.cost.frozen.stored)
      #expect(stored.variables == ["embedding/table", "lstm/kernel", "lstm/recurrent_kernel"])
      #expect(Double(stored.bytes) <= share * Double(stored.fullBytes) * 1.01)
    }
  }

  @Test func explainNamesTheType() {
    let result = CommandLineRunner.run(["explain"] + Self.line + ["--storing-frozen", "int8"])
    #expect(result.code == 0)
    let rows = result.output.split(separator: "\n").filter { $0.contains("frozen, int8") }
    #expect(rows.count == 3 && !rows.contains { $0.contains("bias") }, "\(result.output)")
  }

  /// Each kernel goes through a node that names the type, and its products read that.
  @Test(arguments: ["bfloat16", "float16", "int8"]) func dotDrawsTheType(_ type: String) {
    let line = ["dot"] + Self.line + ["--backward", "--depth", "1000"]
    let plain = CommandLineRunner.run(line)
    #expect(plain.code == 0 && !plain.output.contains("= store"))
    let result = CommandLineRunner.run(line + ["--storing-frozen", type])
    let stores = result.output.split(separator: "\n").filter { $0.contains("= store") }
    #expect(result.code == 0 && stores.count == 3, "\(stores)")
    #expect(stores.allSatisfy { $0.contains(type) && $0.contains("class=\"bound\"") }, "\(stores)")
  }

  @Test func dotAsksForTheCompiledProgram() {
    let result = CommandLineRunner.run(["dot"] + Self.line + ["--storing-frozen", "int8"])
    #expect(result.code == 2 && result.errors.contains("--backward"), "\(result.errors)")
  }

  @Test func otherTypesAreRefused() {
    let result = CommandLineRunner.run(["cost"] + Self.line + ["--storing-frozen", "int4"])
    #expect(result.code == 2)
    #expect(result.errors.contains("int4") && result.errors.contains("did you mean int8?"))
  }
}
