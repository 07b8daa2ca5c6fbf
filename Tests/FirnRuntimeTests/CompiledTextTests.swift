import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import Foundation
import Testing

/// The text form on real graphs: a loop, its gradient, and what the compiler makes of them.
@Suite struct CompiledTextTests {
  private func graphs() throws -> [GraphDef] {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let encoder = graph.scope("encoder") { LSTM(4).run(x) }
    let loss = (encoder.sequence * encoder.sequence).sum() + tanh(encoder.cell).sum()
    let variables = graph.variables.compactMap { graph.tensor(named: $0.name) }
    let gradients = graph.gradients(of: [loss], withRespectTo: variables)
    let program = try Session(graph, seed: 3).compile(fetching: [loss] + gradients)
    return [graph.definition, program.graph]
  }

  @Test func printsParsesAndPrintsTheSame() throws {
    for graph in try graphs() {
      try graph.verify()
      let copy = try GraphDef(parsing: graph.text, catalogue: .standard)
      #expect(copy == graph)
      #expect(copy.text == graph.text)
    }
  }

  /// No op of the catalogue may trap on attributes that text gives it.
  @Test func attributesOfAnyKindAreReadOrRefused() throws {
    let values = [
      "-1", "0", "9223372036854775807", "-9223372036854775808", "1099511627776", "batch", "-batch", "[]",
      "[-1]", "1.0",
      "nan", "true", "f64", "i32", "\"x\"", "9223372036854775807*batch", "[9223372036854775807,2]",
    ]
    for graph in try graphs() {
      let original = Array(graph.text.utf8)
      let words = original.indices.filter { isWord(original[$0]) && ($0 == 0 || !isWord(original[$0 - 1])) }
      for round in 0..<400 {
        let generator = Philox(key: (UInt32(round), 5))
        let start = words[Int(generator.bits(0)) % words.count]
        let end = original[start...].firstIndex { !isWord($0) } ?? original.endIndex
        let value = values[Int(generator.bits(1)) % values.count]
        let text = String(decoding: original[..<start] + Array(value.utf8) + original[end...], as: UTF8.self)
        do {
          try GraphDef(parsing: text, catalogue: .standard).verify()
        } catch {
          #expect(error.code == .parse, "\(error)")
        }
      }
    }
  }

  /// The example of `Docs/GraphText.md` is a graph.
  @Test func exampleOfTheDocumentReads() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Docs/GraphText.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let example = try #require(text.split(separator: "```\n").dropFirst().first)
    let graph = try GraphDef(parsing: String(example), catalogue: .standard)
    #expect(graph.text(includingLocations: true) == example)
  }

  private func isWord(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }
}
