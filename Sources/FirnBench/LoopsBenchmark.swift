import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining

/// A training step of an LSTM with and without the passes that split loops, and its memory with checkpoints.
enum LoopsBenchmark {
  private static let (batch, features, units) = (32, 64, 128)

  private static func model(_ steps: Int, _ recomputation: Recomputation) -> (
    graph: Graph, x: Tensor, loss: Tensor
  ) {
    let graph = Graph()
    let x = graph.placeholder(
      "x", shape: [Dim(batch), Dim(steps), Dim(features)])
    let inner = Dense(features, activation: .tanh, name: "below")(x)
    let last = LSTM(units, options: RecurrentOptions(recomputation: recomputation), name: "lstm")(inner)
    return (graph, x, square(Dense(10, name: "head")(last)).mean())
  }

  private static func request(_ graph: Graph, _ loss: Tensor, freezing: Selection? = nil)
    -> CompilationRequest
  {
    CompilationRequest(
      graph: graph.definition, fetches: [],
      training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.001)), freezing: freezing)
  }

  static func run() throws {
    let passes = ["hoist-invariants", "batch-steps", "sum-after-loops"]
    let unsplit = Compiler.pipeline.filter { !passes.contains($0.name) }
    print("50 steps          with, ms   without, ms   ratio")
    for (label, freezing) in [
      ("all trained    ", nil), ("input kernel   ", "lstm/kernel"), ("whole layer    ", "lstm"),
    ] as [(String, Selection?)] {
      let (graph, x, loss) = model(50, .none)
      let session = try Session(graph, threads: 1)
      session.onWarning = { _ in }
      let array = try Initializer.normal(deviation: 1).values(shape: [batch, 50, features])
      let times = try [Compiler.pipeline, unsplit].map { pipeline in
        let program = try session.compile(request(graph, loss, freezing: freezing), pipeline: pipeline)
        return try milliseconds(runs: 30) { try session.run(program, feeding: [x: array]) }
      }
      print(label, column(times[0]), column(times[1]), column(times[0] / times[1]))
    }
    print("steps   arena, MiB   every √T   ratio   its time")
    for (steps, every) in [(64, 8), (256, 16), (1024, 32)] {
      var bytes: [Double] = []
      var times: [Double] = []
      for recomputation in [Recomputation.none, .every(every)] {
        let (graph, x, loss) = model(steps, recomputation)
        let compilation = try Compiler.compile(request(graph, loss))
        bytes.append(Double(try Plan(compilation.graph).arenaBytes) / 1_048_576)
        let session = try Session(graph, threads: 1)
        let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.001))
        let array = try Initializer.normal(deviation: 1).values(shape: [batch, steps, features])
        times.append(try milliseconds { try session.run(program, feeding: [x: array]) })
      }
      print(
        column(Double(steps), digits: 0, width: 5), column(bytes[0]), column(bytes[1]),
        column(bytes[1] / bytes[0]), column(times[1] / times[0]))
    }
  }
}
