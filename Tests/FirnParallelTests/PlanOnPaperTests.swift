import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnTraining
import Foundation
import Testing

/// The table of `Docs/ManyProcesses.md` is what the cost model says.
@Suite struct PlanOnPaperTests {
  private static let counts = [2, 8, 64, 512, 4096]

  /// A step of ResNet-18 on 32 images of 224 × 224.
  private func step(freezing: Selection?, thawing: Selection?) throws -> GraphDef {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 224, 224, 3])
    let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
    let loss = sparseSoftmaxCrossEntropy(logits: ResNet(.resNet18, classes: 10)(x), labels: y).mean()
    var request = CompilationRequest(
      graph: graph.definition, fetches: [],
      training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)), freezing: freezing,
      thawing: thawing)
    request.training?.exchange = .init(weight: .extent("batch"))
    return try Compiler.compile(request).graph.mapping(.binding(["batch": 32]))
  }

  /// 12.5 GB/s, 5 µs a message, 100 GFLOP/s a process.
  private func rows(_ name: String, _ graph: GraphDef) -> [String] {
    Self.counts.map { members in
      let cost = ExchangeCost(graph, members: members, bandwidth: 12.5e9, latency: 5e-6, flops: 100e9)
      func number(_ value: Double, _ digits: Int) -> String { NumberFormat.fixed(value, digits: digits) }
      return
        "| \(name) | \(NumberFormat.count(members)) | \(NumberFormat.count(cost.bytes)) | \(cost.sums) | "
        + "\(number(cost.exchanging * 1e3, 1)) | \(number(cost.waiting * 1e3, 1)) | "
        + "\(number(cost.efficiency * 100, 1)) |"
    }
  }

  @Test func tableIsTrue() throws {
    let all = try step(freezing: nil, thawing: nil)
    let head = try step(freezing: "**", thawing: "fc")
    let expected = rows("all of it", all) + rows("its head", head)
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Docs/ManyProcesses.md")
    let text = try String(contentsOf: page, encoding: .utf8).split(separator: "\n").map(String.init)
    let found = text.filter { $0.hasPrefix("| all of it") || $0.hasPrefix("| its head") }
    #expect(found == expected, "\(expected.joined(separator: "\n"))")
  }
}
