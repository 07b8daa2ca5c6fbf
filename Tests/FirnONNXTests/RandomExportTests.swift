import FirnFiles
import FirnFormats
import FirnGraph
import FirnNotation
import FirnRuntime
import FirnTestSupport
import Foundation
import Testing

@testable import FirnONNX

/// Graphs of random ops, written as ONNX models: what they give is what Firn gives, by Firn's importer and by ONNX
/// Runtime.
@Suite struct RandomExportTests {
  /// A random graph, its outputs named once, and what feeds it.
  ///
  /// Nil where it draws numbers, which no model of ONNX does, or its sequences are empty, of which ONNX Runtime makes
  /// nothing.
  private struct Case {
    let session: Session
    let outputs: [Tensor]
    let feeds: [(tensor: Tensor, array: NDArray)]
    let bytes: [UInt8]

    init?(seed: Int) throws {
      var options = RandomModel.Options()
      options.dtype = .f32
      let model = RandomModel(seed: seed, options: options)
      guard !model.graph.definition.text.contains("random_uniform"), model.binding["time"] != 0 else {
        return nil
      }
      var names: Set<String> = []
      outputs = (model.outputs + [model.loss]).filter { names.insert($0.name).inserted }
      feeds = model.feeds
      session = try Session(model.graph, threads: 1)
      session.onWarning = { _ in }
      bytes = try session.model(of: outputs, limit: 1 << 24)
    }

    func results() throws -> [NDArray] {
      let program = try session.compile(fetching: outputs)
      let results = try session.run(program, feeding: Feeds(feeds.map { ($0.tensor.name, $0.array) }))
      return try outputs.map { try results[$0] }
    }
  }

  private static func distance(_ a: NDArray, _ b: NDArray) -> Double {
    guard a.shape == b.shape, a.dtype == b.dtype else { return .infinity }
    return zip(a.doubles, b.doubles).map { x, y in
      x == y || x.isNaN && y.isNaN ? 0 : abs(x - y) / max(1, abs(y))
    }.max() ?? 0
  }

  /// Runs a model, its inputs by their names.
  private static func run(_ model: ONNXModel, _ values: (String) throws -> NDArray?) throws -> [NDArray] {
    let session = try Session(model.graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(fetching: model.outputs.map(\.tensor))
    let feeds = try model.inputs.map { input in (input.tensor.name, try #require(try values(input.name))) }
    let results = try session.run(program, feeding: Feeds(feeds))
    return try model.outputs.map { try results[$0.tensor] }
  }

  @Test func whatIsWrittenIsReadAsTheSame() throws {
    var count = 0
    for seed in 0..<80 {
      guard let random = try Case(seed: seed) else { continue }
      count += 1
      let again = try ONNXModel(Bytes(copying: random.bytes), source: "\(seed)", path: nil)
      let feeds = Dictionary(uniqueKeysWithValues: random.feeds.map { ($0.tensor.name, $0.array) })
      let results = try Self.run(again) { feeds[$0] }
      for (index, (result, wanted)) in zip(results, try random.results()).enumerated() {
        let distance = Self.distance(result, wanted)
        #expect(distance < 1e-5, "seed \(seed), output \(index): \(distance)")
      }
    }
    #expect(count > 40)
  }

  /// Models of `random_graphs.py`: exported by Firn, and run by ONNX Runtime.
  @Test func whatRuntimeMadeOfStoredOnes() throws {
    let folder = NodeTests.fixtures.appendingPathComponent("random")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.hasSuffix(".onnx")
    }.sorted()
    #expect(files.count >= 8)
    for file in files {
      let path = folder.appendingPathComponent(file).path
      let values = try Weights(contentsOf: String(path.dropLast(5)) + ".npz")
      let results = try Self.run(try ONNXModel(contentsOfFile: path)) { try values[$0]?.array() }
      for (index, result) in results.enumerated() {
        let wanted = try #require(try values["output_\(index)"]?.array())
        #expect(Self.distance(result, wanted) < 1e-5, "\(file), output \(index)")
      }
    }
  }

  /// `FIRN_ONNX_RANDOM=FOLDER` writes 200 models and what Firn makes of them, for `random_graphs.py`.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["FIRN_ONNX_RANDOM"] != nil))
  func writesManyForRuntime() throws {
    let folder = URL(fileURLWithPath: ProcessInfo.processInfo.environment["FIRN_ONNX_RANDOM"] ?? "")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var (seed, count) = (0, 0)
    while count < 200 {
      defer { seed += 1 }
      guard let random = try Case(seed: seed) else { continue }
      count += 1
      try Data(random.bytes).write(to: folder.appendingPathComponent("\(seed).onnx"))
      var entries = random.feeds.map { WeightEntry(name: $0.tensor.name, array: $0.array) }
      for (index, output) in try random.results().enumerated() {
        entries.append(WeightEntry(name: "output_\(index)", array: output))
      }
      try Weights(source: "\(seed)", entries: entries).write(
        to: folder.appendingPathComponent("\(seed).npz").path)
    }
  }
}
