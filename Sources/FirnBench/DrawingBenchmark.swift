import FirnGraph
import FirnNotation
import FirnOps
import Foundation

/// Writing a graph as DOT, and where Graphviz is installed laying it out; residual networks of growing depth.
enum DrawingBenchmark {
  static func run() throws {
    print("      nodes     DOT (ms)   folded (ms)   Graphviz, folded (s)   Graphviz, whole (s)")
    for blocks in [12, 24, 50] {
      let graph = model(blocks: blocks)
      let (whole, folded) = (DOTOptions(), DOTOptions(depth: 0))
      let plain = milliseconds(runs: 1) { _ = graph.dot(whole) }
      let boxes = milliseconds(runs: 1) { _ = graph.dot(folded) }
      print(
        column(Double(graph.nodes.count), digits: 0, width: 11), column(plain, width: 12),
        column(boxes, width: 13), layout(graph.dot(folded), width: 22), layout(graph.dot(whole), width: 21))
    }
  }

  /// Graphviz's own seconds; a dash where it is not installed.
  private static func layout(_ drawing: String, width: Int) -> String {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let programs = folders.map { "\($0)/dot" }
    guard let program = programs.first(where: FileManager.default.isExecutableFile(atPath:)) else {
      return String(repeating: " ", count: width - 1) + "-"
    }
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString).dot")
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["-Tsvg", "-o", "/dev/null", file.path]
    do {
      try drawing.write(to: file, atomically: true, encoding: .utf8)
      let time = try milliseconds(runs: 1) {
        try process.run()
        process.waitUntilExit()
      }
      return column(time / 1000, width: width)
    } catch {
      return "failed".padding(toLength: width, withPad: " ", startingAt: 0)
    }
  }

  /// Residual blocks as a ResNet's: three products with scale, shift and rectifier, and a sum around them; 40 nodes
  /// each.
  private static func model(blocks: Int) -> GraphDef {
    let graph = Graph()
    var value = graph.placeholder("x", shape: ["batch", 16])
    for block in 0..<blocks {
      value = graph.scope("block_\(block)") {
        var inner = value
        for layer in 0..<3 {
          inner = graph.scope("layer_\(layer)") {
            let kernel = graph.variable("kernel", shape: [16, 16], role: "kernel")
            let scale = graph.variable("scale", shape: [16])
            let product = matmul(inner, kernel)
            let normal = (product - graph.variable("mean", shape: [16])) * scale
            return relu(normal + graph.variable("bias", shape: [16], role: "bias"))
          }
        }
        return value + inner
      }
    }
    _ = value.sum()
    return graph.definition
  }
}
