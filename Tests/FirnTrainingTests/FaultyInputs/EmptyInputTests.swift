import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Batches of nothing, sequences of no steps, layers of no units: unusual, not faulty.
@Suite struct EmptyInputTests {
  @Test func batchOfNothing() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let hidden = LSTM(4)(Dense(2, activation: .tanh)(x))
    let loss = (hidden * hidden).sum()
    let session = try quietSession(graph)
    let variables = try variableTensors(of: graph)
    let gradients = graph.gradients(of: [loss], withRespectTo: variables)
    let program = try session.compile(fetching: gradients + [loss, hidden, hidden.mean(), x.max()])
    for batch in [0, 2, 0] {
      let results = try session.run(program, feeding: [x: try NDArray(zeros: [batch, 3, 3])])
      #expect(try results[hidden].shape == [batch, 4])
      if batch > 0 { continue }
      #expect(try results.scalar(loss) == 0)
      for (variable, gradient) in zip(variables, gradients) {
        #expect(try results[gradient] == NDArray(zeros: variable.shape.extents ?? []))
      }
      #expect(try results.scalar("reduce_mean").isNaN, "the mean of nothing is not a number")
      #expect(try results.scalar("reduce_max") == -.infinity)
    }
    let before = try session.snapshot()
    let training = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1))
    try session.run(training, feeding: [x: try NDArray(zeros: [0, 3, 3])])
    #expect(try session.snapshot() == before)
  }

  /// The state after no steps is the one it started with, and its gradient goes straight there.
  @Test func sequenceOfNoSteps() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let output = LSTM(4).run(x)
    let start = graph.variable("start", shape: [3], initializer: .constant(2))
    let summed = scan(over: [x.transposed([1, 0, 2])], initial: [start]) { step in
      ScanResult(carries: [step.carries[0] * 0.5 + step.slices[0].sum(axes: [0])])
    }.carries[0]
    let loss = output.hidden.sum() + output.sequence.sum() + (summed * summed).sum()
    let variables = try variableTensors(of: graph)
    let gradients = graph.gradients(of: [loss], withRespectTo: variables)
    let session = try quietSession(graph)
    let program = try session.compile(
      fetching: gradients + [output.hidden, output.cell, output.sequence, summed])
    let results = try session.run(program, feeding: [x: try NDArray(zeros: [2, 0, 3])])
    #expect(try results[output.hidden] == NDArray(zeros: [2, 4]))
    #expect(try results[output.cell] == NDArray(zeros: [2, 4]))
    #expect(try results[output.sequence] == NDArray(zeros: [2, 0, 4]))
    #expect(try results[summed] == NDArray([2, 2, 2] as [Float]))
    for (variable, gradient) in zip(variables, gradients) {
      let expected =
        variable.name == "start"
        ? NDArray([4, 4, 4] as [Float]) : (try NDArray(zeros: variable.shape.extents ?? []))
      #expect(try results[gradient] == expected, "\(variable.name)")
    }
    // The same program goes on with steps.
    let one = try session.run(program, feeding: [x: noise([2, 1, 3])])
    #expect(try one[output.hidden] != NDArray(zeros: [2, 4]))
  }

  @Test func placeholderOfNoElements() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [0, 3])
    let rows = graph.constant(try NDArray([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]))
    let both = concatenate([x, rows], axis: 0)
    let session = try quietSession(graph)
    let results = try session.run(
      session.compile(fetching: [x.sum(), both]), feeding: [x: try NDArray(zeros: [0, 3])])
    #expect(try results.scalar("reduce_sum") == 0)
    #expect(try results[both].floats == [1, 2, 3, 4, 5, 6])
  }

  @Test func layersOfNoUnits() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3, 2])
    let hidden = Dense(3)(Dense(0, activation: .tanh)(LSTM(0).run(x).sequence))
    let loss = hidden.sum()
    let session = try quietSession(graph)
    let program = try session.compile(minimizing: loss, with: Adam(), clippingNorm: 1, fetching: [hidden])
    let results = try session.run(program, feeding: [x: noise([2, 3, 2])])
    #expect(try results[hidden].doubles == [Double](repeating: 0, count: 18))
  }

  @Test func embeddingOfNoRows() throws {
    let graph = Graph()
    let ids = graph.placeholder("ids", shape: ["batch"], dtype: .i32)
    let rows = Embedding(count: 0, width: 2)(ids)
    let session = try quietSession(graph)
    let program = try session.compile(fetching: [rows])
    #expect(try session.run(program, feeding: [ids: NDArray([] as [Int32])])[rows].shape == [0, 2])
    let fault = try error { try session.run(program, feeding: [ids: NDArray([0] as [Int32])]) }
    #expect(fault.code == .indexOutOfRange)
  }

  /// A program may need a placeholder for its extents alone.
  @Test func placeholderReadForItsExtentsOnly() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let ones = graph.constant(1).broadcast(to: x.shape).sum()
    let session = try quietSession(graph)
    let program = try session.compile(fetching: [ones])
    #expect(try session.run(program, feeding: [x: noise([4, 3])]).scalar(ones) == 12)
    #expect(try session.run(program, feeding: [x: noise([5, 3])]).scalar(ones) == 15)
    let fault = try error { try session.run(program) }
    #expect(fault.code == .missingFeed)
  }

  @Test func noData() throws {
    let bench = try Workbench()
    let data = try DataSet([bench.x: try NDArray(zeros: [0, 3]), bench.ids: NDArray([] as [Int32])])
    let training = try bench.session.compile(minimizing: bench.loss, with: Adam())
    #expect(try Trainer(training, in: bench.session).fit(data, epochs: 3, batchSize: 2).isEmpty)
    try bench.expectUnharmed()
  }
}
