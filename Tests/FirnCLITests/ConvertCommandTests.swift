import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import Foundation
import Testing

@testable import FirnCLI
@testable import FirnONNX

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

  /// A model of weights that nobody gave looks like any.
  @Test func weightsThatNobodyGaveAreTold() throws {
    try CommandLineRunner.withDirectory { directory in
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 3])
      _ = Dense(2, name: "head")(Dense(2, name: "body")(x))
      try graph.definition.write(toFile: directory + "/model.firn")
      let line = ["convert", "model.firn", "model.onnx"]
      let told = CommandLineRunner.run(line, in: directory)
      #expect(told.code == 0 && told.output.contains("note: no weights are given for 4 variables"))
      #expect(told.output.contains("`body/kernel`, `body/bias`") && told.output.contains("--weights"))
      func untrained(_ line: [String]) throws -> [String]? {
        let run = CommandLineRunner.run(line + ["--json"], in: directory)
        let answer = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        return answer?["untrained"] as? [String]
      }
      #expect(try untrained(line) == ["body/kernel", "body/bias", "head/kernel", "head/bias"])
      #expect(try untrained(line + ["--outputs", "body/add"]) == ["body/kernel", "body/bias"])
      #expect(try untrained(["convert", "model.onnx", "again.firn"]) == [])
      #expect(try untrained(["convert", "model.onnx", "again.onnx"]) == [])
      let empty = CommandLineRunner.run(line + ["--outputs", ""], in: directory)
      #expect(empty.code == 2 && empty.errors.contains("--outputs '' names nothing"), "\(empty.errors)")
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
      #expect(again.outputs.map(\.name) == [head.name, body.name])
      #expect(again.outputs.map(\.tensor.name) == [head.name, body.name])
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
      let header = [head, body].flatMap { output in (0..<2).map { "\(output.name).\($0)" } }
      #expect(
        predicted.code == 0 && predicted.output.hasPrefix(header.joined(separator: ",") + "\n"),
        "\(predicted.output)\(predicted.errors)")
    }
  }

  /// However often it goes there and back, a model gives what it gave, under the same names.
  @Test func namesStay() throws {
    try CommandLineRunner.withDirectory { directory in
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 3])
      let hidden = Dense(4, activation: .relu, name: "hidden")(x)
      let scores = identity(Dense(2, name: "head")(hidden), name: "scores")
      let session = try Session(graph, threads: 1)
      session.onWarning = { _ in }
      try session.writeONNX([scores, hidden], to: directory + "/0.onnx")
      let feed = try NDArray([1, -2, 3, 0.5, 1, -1] as [Float], shape: [2, 3])
      func values(_ number: Int) throws -> [NDArray] {
        let model = try ONNXModel(contentsOfFile: directory + "/\(number).onnx")
        #expect(model.outputs.map(\.name) == ["scores", hidden.name], "\(number)")
        #expect(model.outputs.map(\.tensor.name) == ["scores", hidden.name], "\(number)")
        let session = try Session(model.graph, threads: 1)
        let results = try session.run(
          session.compile(fetching: model.outputs.map(\.tensor)), feeding: ["x": feed])
        return try model.outputs.map { try results[$0.tensor] }
      }
      let before = try values(0)
      for number in 1...3 {
        let run = CommandLineRunner.run(["convert", "\(number - 1).onnx", "\(number).onnx"], in: directory)
        #expect(run.code == 0 && !run.output.contains("note"), "\(run.output)\(run.errors)")
        #expect(try values(number) == before, "\(number)")
      }
    }
  }

  /// What was scaled in training is scaled in the model, so that it takes the data as it stands.
  @Test func scaledInputsAreScaledInTheModel() throws {
    try CommandLineRunner.withDirectory { directory in
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 2])
      let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
      let scores = identity(Dense(2, name: "head")(x), name: "scores")
      try graph.write(
        to: directory + "/m.firn", loss: sparseSoftmaxCrossEntropy(logits: scores, labels: y).mean())
      let rows = (0..<40).map { "\(1000 + $0 * 7 % 40),\(Double($0 * 3 % 40) / 4000),\(($0 * 7 % 40) / 20)" }
      try (["x.0,x.1,y"] + rows).joined(separator: "\n").write(
        toFile: directory + "/d.csv", atomically: true, encoding: .utf8)
      func run(_ line: String) -> CommandLineRunner.Result {
        CommandLineRunner.run(line.split(separator: " ").map(String.init), in: directory)
      }
      #expect(run("train m.firn --data d.csv --standardize x --epochs 3 --out run").code == 0)
      let checkpoints = try FileManager.default.contentsOfDirectory(atPath: directory + "/run/checkpoints")
      let checkpoint = try #require(checkpoints.sorted().last { $0.hasSuffix(".safetensors") })
      for weights in ["run/weights.safetensors", "run/checkpoints/\(checkpoint)"] {
        let converted = run("convert m.firn m.onnx --outputs scores --weights \(weights)")
        #expect(converted.code == 0 && converted.output.contains("`x` is scaled"), "\(converted)")
        let told = run("predict m.firn --weights \(weights) --data d.csv --outputs scores")
        let own = run("predict m.onnx --data d.csv")
        #expect(told.code == 0 && own.code == 0, "\(told.errors)\(own.errors)")
        let (a, b) = (numbers(told.output), numbers(own.output))
        #expect(a.count == 80 && a.count == b.count)
        for (a, b) in zip(a, b) { #expect(abs(a - b) < 1e-3 * (1 + abs(a))) }
      }
      // Other graphs are fed something else.
      let other = Graph()
      _ = identity(Dense(2, name: "head")(other.placeholder("z", shape: ["batch", 2])), name: "scores")
      try other.write(to: directory + "/z.firn")
      let refused = run("convert z.firn z.onnx --outputs scores --weights run/weights.safetensors")
      #expect(refused.code != 0 && refused.errors.contains("scaled `x`"), "\(refused)")
      let left = run("weights convert run/weights.safetensors w.npz")
      #expect(left.code == 0 && left.output.contains("how `x` was scaled"), "\(left)")
    }
  }

  private func numbers(_ table: String) -> [Double] {
    table.split(separator: "\n").dropFirst().flatMap { $0.split(separator: ",").compactMap { Double($0) } }
  }

  /// A model that is written again says what is otherwise in it.
  @Test func changedNamesAndTypesAreTold() throws {
    try CommandLineRunner.withDirectory { directory in
      var model = ModelMessage()
      model.irVersion = 9
      model.operatorSets = [OperatorSetMessage(domain: "", version: 17)]
      var node = NodeMessage()
      (node.op, node.inputs, node.outputs) = ("Add", ["in:0", "in:0"], ["out:0"])
      var graph = GraphMessage()
      (graph.name, graph.nodes) = ("g", [node])
      func value(_ name: String) -> ValueMessage {
        ValueMessage(
          name: name,
          type: TypeMessage(
            tensor: TensorTypeMessage(elementType: 7, shape: ShapeMessage(dimensions: [.init(value: 2)]))))
      }
      (graph.inputs, graph.outputs) = ([value("in:0")], [value("out:0")])
      model.graph = graph
      var writer = MessageWriter()
      model.write(to: &writer)
      try Data(writer.bytes).write(to: URL(filePath: directory + "/m.onnx"))
      let run = CommandLineRunner.run(["convert", "m.onnx", "again.onnx"], in: directory)
      let text = run.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(run.code == 0, "\(run.errors)")
      for words in ["`in:0` is called `in_0`", "`out:0` is called `out_0`", "`in:0` is int32"] {
        #expect(text.contains(words), "\(run.output)")
      }
    }
  }
}
