import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining

/// A training step of an LSTM all of whose weights are -0.1: with inputs of -0.1 its gates open, with 0.1 they close and
/// its states die away.
enum DenormalsBenchmark {
  static func run() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [32, 50, 512])
    let loss = square(LSTM(512, name: "net")(x)).mean()
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0))
    for variable in session.variables {
      let shape = variable.type.shape.extents ?? []
      try session.setValues([
        variable.name: NDArray([Float](repeating: -0.1, count: shape.reduce(1, *)), shape: shape)
      ])
    }
    let times = try [Float(0.1), -0.1].map { value in
      let feed = try NDArray([Float](repeating: value, count: 32 * 50 * 512), shape: [32, 50, 512])
      return try milliseconds(runs: 10) { try session.run(program, feeding: [x: feed]) }
    }
    print(
      "inputs of 0.1, ms", column(times[0]), "  of -0.1", column(times[1]), "  ratio",
      column(times[1] / times[0]))
  }
}
