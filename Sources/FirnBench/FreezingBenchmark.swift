import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining

/// A training step with more and more of a stack frozen from the input side: the time should fall with the FLOPs.
enum FreezingBenchmark {
  private static let layers = 6
  private static let width = 512
  private static let batch = 128

  static func run() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", Dim(width)])
    let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
    var value = x
    for layer in 0..<layers { value = Dense(width, activation: .relu, name: "layer_\(layer)")(value) }
    let loss = sparseSoftmaxCrossEntropy(logits: Dense(10, name: "head")(value), labels: y).mean()
    let session = try Session(graph)
    session.onWarning = { _ in }
    let feeds: Feeds = [
      x: try Initializer.normal(deviation: 1).values(shape: [batch, width]),
      y: NDArray((0..<batch).map { Int32($0 % 10) }),
    ]
    var whole: (milliseconds: Double, flops: Double)?
    print("frozen layers   ms a step   of all trainable   of its FLOPs")
    for frozen in [0, 1, 2, 4, 6] {
      let names = (0..<frozen).map { "layer_\($0)" }.joined(separator: " | ")
      let program = try session.compile(
        minimizing: loss, with: SGD(learningRate: 0.001), freezing: frozen == 0 ? nil : try Selection(names))
      let time = try milliseconds(runs: 30) { try session.run(program, feeding: feeds) }
      let flops = Node.Phase.allCases.reduce(0.0) { sum, phase in
        sum + Double(program.cost.flops(phase, binding: ["batch": batch]) ?? 0)
      }
      let base = whole ?? (time, flops)
      whole = base
      print(
        column(Double(frozen), digits: 0), column(time), column(time / base.0), "      ",
        column(flops / base.1))
    }
  }
}
