import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnRuntime
import Foundation
import Testing

@testable import FirnCLI

/// `firn convert`.
@Suite struct ConvertCommandTests {
  /// Moving averages that a batch norm writes back are nothing that a model gives.
  @Test func aGraphWithABatchNormIsTheSameModel() throws {
    try CommandLineRunner.withDirectory { directory in
      let graph = Graph()
      let x = graph.placeholder("x", shape: [2, 3])
      let norm = graph.scope("norm") { BatchNorm()(x) }
      let y = graph.scope("head") { Dense(2)(norm) }
      try graph.definition.write(toFile: directory + "/model.firn")
      for line in [["convert", "model.firn", "model.onnx"], ["convert", "model.onnx", "again.firn"]] {
        let result = CommandLineRunner.run(line, in: directory)
        #expect(result.code == 0, "\(result.errors)")
      }
      let again = try GraphDef(contentsOfFile: directory + "/again.firn")
      let outputs = again.nodes.indices.filter { again.consumers[$0].isEmpty }
      try #require(outputs.map { again.nodes[$0].types } == [[y.type]])
      func value(_ graph: GraphDef, _ name: String) throws -> [Float] {
        let session = try Session(graph, threads: 1)
        let program = try session.compile(fetching: [name])
        return try session.run(
          program, feeding: ["x": NDArray([1, 2, 3, 4, 5, 7] as [Float], shape: [2, 3])])[name]
          .floats
      }
      let original = try value(GraphDef(contentsOfFile: directory + "/model.firn"), y.name)
      let converted = try value(again, again.nodes[outputs[0]].name)
      #expect(converted.count == original.count)
      for (a, b) in zip(converted, original) { #expect(abs(a - b) <= 1e-6) }
    }
  }
}
