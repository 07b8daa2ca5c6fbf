import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnONNX
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

  /// What is trained goes back to ONNX, and what an ONNX model gives stays what it gives, in its order.
  @Test func trainedWeightsGoBack() throws {
    try CommandLineRunner.withDirectory { directory in
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 3])
      let body = Dense(2, name: "body")(x)
      let head = Dense(2, name: "head")(body)
      let session = try Session(graph, threads: 1)
      session.onWarning = { _ in }
      // One of these is read by the other.
      try session.writeONNX([head, body], to: directory + "/model.onnx")
      var trained: [(String, NDArray)] = []
      for variable in graph.variables {
        trained.append((variable.name, try session.value(of: variable) * 2 + 1))
      }
      func write(_ values: [(String, NDArray)]) throws {
        try Weights(source: "trained", entries: values.map { WeightEntry(name: $0.0, array: $0.1) })
          .write(to: directory + "/trained.safetensors")
      }
      try write(trained)
      func run(_ line: String) -> CommandLineRunner.Result {
        CommandLineRunner.run(line.split(separator: " ").map(String.init), in: directory)
      }
      let converted = run("convert model.onnx trained.onnx --weights trained.safetensors")
      #expect(converted.code == 0, "\(converted.errors)")
      let again = try ONNXModel(contentsOfFile: directory + "/trained.onnx")
      // A node has the name already.
      #expect(again.outputs.map(\.name) == [head.name + "_1", body.name + "_1"])
      let other = try Session(again.graph, threads: 1)
      for (name, value) in trained { #expect(try other.value(of: name).isBitwiseEqual(to: value)) }
      // Where one is missing nothing is written, and a graph file has no place for them.
      try write(Array(trained.dropLast()))
      let partial = run("convert model.onnx partial.onnx --weights trained.safetensors")
      #expect(partial.code != 0 && partial.errors.contains(trained[trained.count - 1].0), "\(partial.errors)")
      let beside = run("convert model.onnx model.firn --weights trained.safetensors")
      #expect(beside.code == 2 && beside.errors.contains("beside which weights lie"), "\(beside.errors)")
      let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
      #expect(files == ["model.onnx", "trained.onnx", "trained.safetensors"])
      // Its own outputs are what is predicted where nothing else is asked for.
      try "x.0,x.1,x.2\n1,2,3\n4,5,6\n".write(toFile: directory + "/x.csv", atomically: true, encoding: .utf8)
      let predicted = run("predict trained.onnx --data x.csv")
      let header = [head, body].flatMap { output in (0..<2).map { "\(output.name)_1_1.\($0)" } }
      #expect(
        predicted.code == 0 && predicted.output.hasPrefix(header.joined(separator: ",") + "\n"),
        "\(predicted.output)\(predicted.errors)")
    }
  }
}
