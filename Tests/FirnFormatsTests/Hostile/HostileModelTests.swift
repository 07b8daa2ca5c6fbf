import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import FirnTestSupport
import Foundation
import Testing

@testable import FirnONNX

/// Damaged models of ONNX, in a process whose memory the kernel counts.
@Suite(.serialized) struct HostileModelTests {
  /// `FIRN_HOSTILE=100000` for a long run.
  private static let count = HostileFileTests.count / 10

  /// A model of megabytes, most of them weights: what is before them, they, and what is behind.
  private static func parts(in folder: URL) throws -> (head: [UInt8], weights: [UInt8], tail: [UInt8]) {
    let graph = Graph()
    let wide = graph.variable("wide", shape: [500, 1000], initializer: .uniform(-1, 1))
    let x = graph.placeholder("x", shape: ["batch", 64])
    let y = Dense(8, name: "head")(
      LSTM(32, name: "cell")(relu(Dense(60, name: "body")(x)).reshaped(to: ["batch", 6, 10])))
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let path = folder.appendingPathComponent("model.onnx").path
    try session.writeONNX([wide.sum(axes: [0]), y], to: path)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let values = try session.value(of: "wide").withUnsafeBytes { Data($0) }
    let place = try #require(Data(bytes).range(of: values))
    return (Array(bytes[..<place.lowerBound]), Array(bytes[place]), Array(bytes[place.upperBound...]))
  }

  @Test(.timeLimit(.minutes(30))) func damagedModelsTakeTwiceTheFile() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (head, weights, tail) = try Self.parts(in: folder)
    #expect(head.count > 1000 && tail.count > 10_000 && weights.count == 2_000_000)
    let process = try OpeningProcess()
    let url = folder.appendingPathComponent("damaged.onnx")
    try Data(head + weights + tail).write(to: url)
    let whole = try process.open("onnx \(url.path)")
    #expect(whole.outcome == "accepted 8", "\(whole.outcome)")
    let small = folder.appendingPathComponent("small.onnx")
    try Data().write(to: small)
    let base = try process.open("onnx \(small.path)")
    #expect(base.outcome == "refused parse")
    var accepted = 0
    for seed in 0..<Self.count {
      var mutator = Mutator(seed: UInt64(seed) &* 0x1_0000_0001 &+ 3)
      // What says what the weights are, not the weights themselves.
      var (front, back) = (head, tail)
      mutator.mutate(&front)
      mutator.mutate(&back)
      let bytes =
        seed % 3 == 0
        ? front + weights + tail : seed % 3 == 1 ? head + weights + back : front + weights + back
      try Data(bytes).write(to: url)
      let answer = try process.open("onnx \(url.path)")
      let extra = process.extra(of: answer, over: base, opening: bytes.count)
      #expect(extra <= HostileFileTests.fixed, "\(seed), \(bytes.count) bytes, \(answer.outcome): \(extra)")
      if answer.outcome.hasPrefix("accepted") { accepted += 1 }
    }
    #expect(accepted > 0 && accepted < Self.count)
  }

  /// A loop of a thousand steps that is written out, whose body holds a megabyte: as an initialiser, which its steps
  /// share, or in a node, which each has anew.
  private static func loop(isInitializer: Bool) -> [UInt8] {
    func node(_ op: String, _ inputs: [String], _ output: String) -> NodeMessage {
      var node = NodeMessage()
      (node.op, node.inputs, node.outputs) = (op, inputs, [output])
      return node
    }
    func value(_ name: String) -> ValueMessage {
      var message = ValueMessage()
      message.name = name
      return message
    }
    let table = TensorMessage("table", NDArray([Float](repeating: 1, count: 250_000)))
    var body = GraphMessage()
    if isInitializer {
      body.initializers = [table]
    } else {
      var constant = node("Constant", [], "table")
      var attribute = AttributeMessage()
      (attribute.name, attribute.tensor, attribute.type) = ("value", table, 4)
      constant.attributes = [attribute]
      body.nodes = [constant]
    }
    body.nodes += [
      node("Add", ["step", "one"], "end"), node("Unsqueeze", ["end", "axes"], "ends"),
      node("Slice", ["table", "starts", "ends"], "part"), node("ReduceSum", ["part"], "sum"),
      node("Add", ["h", "sum"], "next"), node("Identity", ["given"], "go"),
    ]
    body.inputs = ["step", "given", "h"].map { value($0) }
    body.outputs = ["go", "next"].map { value($0) }
    var loop = node("Loop", ["trips", "", "start"], "y")
    var attribute = AttributeMessage()
    (attribute.name, attribute.graph, attribute.type) = ("body", body, 5)
    loop.attributes = [attribute]
    var graph = GraphMessage()
    graph.nodes = [loop]
    graph.outputs = [value("y")]
    graph.initializers = [
      TensorMessage("trips", integers: [1000], shape: []), TensorMessage("one", integers: [1], shape: []),
      TensorMessage("axes", integers: [0]), TensorMessage("starts", integers: [0]),
      TensorMessage("start", NDArray([Float(0)])),
    ]
    var model = ModelMessage()
    (model.irVersion, model.graph) = (8, graph)
    var set = OperatorSetMessage()
    set.version = 20
    model.operatorSets = [set]
    var writer = MessageWriter()
    model.write(to: &writer)
    return writer.bytes
  }

  @Test func loopsWrittenOutTakeTwiceTheFile() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let process = try OpeningProcess()
    let url = folder.appendingPathComponent("loop.onnx")
    try Data().write(to: url)
    let base = try process.open("onnx \(url.path)")
    let shared = Self.loop(isInitializer: true)
    try Data(shared).write(to: url)
    let answer = try process.open("onnx \(url.path)")
    #expect(answer.outcome == "accepted 0")
    let extra = process.extra(of: answer, over: base, opening: shared.count)
    #expect(extra <= HostileFileTests.fixed, "\(extra)")
    try Data(Self.loop(isInitializer: false)).write(to: url)
    #expect(try process.open("onnx \(url.path)").outcome.hasPrefix("refused"))
  }
}
