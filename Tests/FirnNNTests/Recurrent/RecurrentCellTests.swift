import FirnNotation
import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import Testing

/// A cell of a user's own, in ten lines.
private struct PartlyFixed: RecurrentCell {
  let stateShapes: [Shape] = [[4]]

  func makeWeights(_ make: CellVariables) -> (fixed: Tensor, trainable: Tensor) {
    (make("W_fixed", [make.features, 4]), make("W_trainable", [4, 4], initializer: .orthogonal()))
  }

  func step(_ input: Tensor, _ state: CellState, _ weights: (fixed: Tensor, trainable: Tensor)) -> CellStep {
    CellStep([tanh(matmul(input, weights.fixed) + matmul(state.recurrent, weights.trainable))])
  }
}

@Suite struct RecurrentCellTests {
  @Test func aCellOfOnesOwn() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let loss = square(RNN(PartlyFixed(), name: "cell")(x)).sum()
    #expect(graph.variables.map(\.name) == ["cell/W_fixed", "cell/W_trainable"])
    let session = try quietSession(graph)
    let program = try session.compile(minimizing: loss, with: plainDescent, freezing: "cell/W_fixed")
    let before = try session.snapshot()
    try session.run(program, feeding: [x: noise([2, 5, 3], .f32)])
    let after = try session.snapshot()
    #expect(before.values[0] == after.values[0])
    #expect(before.values[1] != after.values[1])
    #expect(!program.graph.nodes.contains { $0.name.hasPrefix("gradients/cell/W_fixed") })
  }

  /// Every cell's gradients against differences, ragged and in both directions.
  @Test(arguments: 0..<8) func gradients(_ number: Int) throws {
    let cells: [any RecurrentCell] = [
      SimpleRNNCell(2), LSTMCell(2, hasPeepholes: true, projection: 3), GRUCell(2),
      GRUCell(2, resetAfter: false), LayerNormLSTMCell(3), PartlyFixed(), Residual(GRUCell(3)),
      Residual(LSTMCell(4, projection: 3)),
    ]
    let graph = Graph()
    let x = graph.variable("x", shape: [2, 4, 3], dtype: .f64, initializer: .array(try noise([2, 4, 3])))
    let lengths = graph.constant(NDArray([4, 2] as [Int32]))
    let layer = RNN(
      stacking: [cells[number]], isBidirectional: number % 2 == 0,
      options: RecurrentOptions(initialState: .learned(.uniform(-0.5, 0.5))))
    let output = layer.run(x, lengths: lengths)
    let loss =
      sin(output.sequence).sum() + square(output.last).sum()
      + output.states.map { cos($0).sum() }.reduce(graph.constant(0, dtype: .f64), +)
    try checkGradients(of: loss, by: try variables(of: graph), in: quietSession(graph, seed: 4))
  }

  @Test func faultyCellsAreTold() throws {
    struct Faulty: RecurrentCell {
      let stateShapes: [Shape] = [[4]]
      let states: Int
      let width: Int
      let hasOutput: Bool

      func makeWeights(_ make: CellVariables) -> Tensor { make("w", [make.features, width]) }

      func step(_ input: Tensor, _ state: CellState, _ weights: Tensor) -> CellStep {
        let next = matmul(input, weights)
        return CellStep(Array(repeating: next, count: states), output: hasOutput ? next : nil)
      }
    }
    for (cell, words) in [
      (Faulty(states: 2, width: 4, hasOutput: false), "2 states"),
      (Faulty(states: 1, width: 5, hasOutput: false), "f32[batch,5]"),
      (Faulty(states: 1, width: 4, hasOutput: true), "outputShape"),
    ] {
      let graph = Graph()
      _ = RNN(cell)(graph.placeholder("x", shape: ["batch", "time", 3]))
      let error = #expect(throws: FirnError.self) { try graph.validate() }
      #expect(error?.message.contains(words) == true, "\(error?.description ?? "")")
    }
  }

  @Test func residualNeedsOneWidth() throws {
    let graph = Graph()
    let layer = RNN(stacking: [Residual(LSTMCell(4))])
    _ = layer(graph.placeholder("x", shape: ["batch", "time", 3]))
    let error = #expect(throws: FirnError.self) { try graph.validate() }
    #expect(error?.constraint == "C1")
  }

  /// The last output with a residual connection is that of the last valid step, not the state.
  @Test func lastOutputOfAResidualCell() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 4], dtype: .f64)
    let lengths = graph.placeholder("lengths", shape: ["batch"], dtype: .i32)
    let output = RNN(Residual(GRUCell(4))).run(x, lengths: lengths)
    let session = try quietSession(graph)
    let data = try noise([2, 3, 4])
    let results = try session.run(
      session.compile(fetching: [output.sequence, output.last, output.hidden]),
      feeding: [x: data, lengths: NDArray([3, 2] as [Int32])])
    let rows = try results[output.sequence].rows
    #expect(try results[output.last].rows == [rows[2], rows[4]])
    #expect(try results[output.hidden].rows != results[output.last].rows)
    #expect(rows[5] == [0, 0, 0, 0])
  }
}
