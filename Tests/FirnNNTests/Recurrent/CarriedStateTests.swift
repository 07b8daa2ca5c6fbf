import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// States handed on from run to run, and gradients that end where the run began.
@Suite struct CarriedStateTests {
  /// A layer that carries its states, and the same weights with states that are fed.
  private struct Model {
    let graph = Graph()
    let x: Tensor
    let layer: RNN
    let output: RecurrentOutput
    let loss: Tensor
    let session: Session
    let step: Program

    init(_ layer: RNN, dtype: DType = .f64) throws {
      self.layer = layer
      x = graph.placeholder("x", shape: [2, "time", 3], dtype: dtype)
      output = layer.run(x)
      loss = square(output.sequence).sum()
      session = try quietSession(graph, seed: 3)
      step = try session.compile(fetching: [output.sequence, output.last] + output.states + output.carry)
    }
  }

  static let layers: [@Sendable (InitialState) -> RNN] = [
    { SimpleRNN(4, options: RecurrentOptions(initialState: $0), name: "net") },
    { LSTM(4, layers: 2, options: RecurrentOptions(initialState: $0), name: "net") },
    { LSTM(4, projection: 3, options: RecurrentOptions(initialState: $0), name: "net") },
    { GRU(4, layers: 3, options: RecurrentOptions(initialState: $0), name: "net") },
    { LayerNormLSTM(4, options: RecurrentOptions(initialState: $0), name: "net") },
  ]

  @Test(arguments: 0..<5) func piecesAreTheWhole(_ number: Int) throws {
    let model = try Model(Self.layers[number](.carried))
    let data = try noise([2, 7, 3])
    let whole = try model.session.run(model.step, feeding: [model.x: data])
    try reset(model.session)
    var steps: [[[Double]]] = [[], []]
    var last: Results?
    for range in [0..<3, 3..<4, 4..<7] {
      let piece = try model.session.run(model.step, feeding: [model.x: cut(data, range)])
      let rows = try piece[model.output.sequence].rows
      for row in rows.indices { steps[row / range.count].append(rows[row]) }
      last = piece
    }
    #expect(try steps[0] + steps[1] == whole[model.output.sequence].rows)
    for state in model.output.states { #expect(try last?[state] == whole[state]) }
  }

  /// The gradient of a piece is that of a piece whose start is data, not that of the whole.
  @Test(arguments: 0..<5) func gradientsEndAtTheBorder(_ number: Int) throws {
    let model = try Model(Self.layers[number](.carried))
    let parameters = try model.graph.variables.filter { $0.kind == .parameter }.map {
      try #require(model.graph.tensor(named: $0.name))
    }
    let starts = model.output.states.enumerated().map {
      model.graph.placeholder("start_\($0)", shape: $1.shape, dtype: .f64)
    }
    let fed = model.layer.run(model.x, initialState: starts)
    let carried = model.graph.gradients(of: [model.loss], withRespectTo: parameters)
    let given = model.graph.gradients(of: [square(fed.sequence).sum()], withRespectTo: parameters)
    let long = model.graph.placeholder("long", shape: [2, 6, 3], dtype: .f64)
    let zeros = starts.map { Tensor.filled(0, type: $0.type, in: model.graph) }
    let whole = model.layer.run(long, initialState: zeros).sequence.sliced(axis: 1, from: 3, to: 6)
    let through = model.graph.gradients(of: [square(whole).sum()], withRespectTo: parameters)
    let data = try noise([2, 6, 3])
    let session = model.session
    let first = try session.run(
      session.compile(fetching: model.output.states + model.output.carry),
      feeding: [model.x: cut(data, 0..<3)])
    let feeds = Feeds(
      [(model.x.name, try cut(data, 3..<6)), (long.name, data)]
        + (try zip(starts, model.output.states).map { ($0.name, try first[$1]) }))
    let results = try session.run(
      session.compile(fetching: carried + given + through + [model.loss]), feeding: feeds)
    for number in parameters.indices {
      #expect(try results[carried[number]] == results[given[number]])
      #expect(try results[carried[number]] != results[through[number]], "\(parameters[number].name)")
    }
  }

  @Test func theGraphShowsIt() throws {
    let model = try Model(LSTM(4, layers: 2, options: RecurrentOptions(initialState: .carried)))
    let states = model.graph.variables.filter { $0.kind == .state }
    #expect(
      states.map(\.name)
        == [0, 1].flatMap { layer in
          [0, 1].map { "lstm/layer_\(layer)/forward/carried_state_\($0)" }
        })
    #expect(
      states.allSatisfy { $0.role == "carried_state" && $0.type.description == "f64[2,4]" && !$0.isTrainable }
    )
    let text = model.graph.definition.text
    #expect(text.ranges(of: "= stop_gradient(").count == 4)
    #expect(text.ranges(of: "= assign(").count == 4)
    #expect(try GraphDef(parsing: text, catalogue: .standard).text == text)
    let findings = try Explanation(graph: model.graph.definition, loss: model.loss.value).lint()
    #expect(findings.isEmpty, "\(findings)")
  }

  /// Only what fetches `carry` hands on; a training step does, frozen or not, and restoring the zeros begins anew.
  @Test(arguments: [nil, "net"] as [Selection?]) func trainingCarries(_ freezing: Selection?) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2, "time", 3])
    let output = LSTM(4, options: RecurrentOptions(initialState: .carried), name: "net").run(x)
    let loss = square(Dense(1)(output.sequence)).mean()
    let session = try quietSession(graph)
    let start = try session.snapshot("role(carried_state)")
    #expect(start.values.count == 2)
    let step = try session.compile(
      minimizing: loss, with: Adam(), freezing: freezing, fetching: output.carry + output.states)
    let evaluation = try session.compile(fetching: [loss])
    let data = try noise([2, 5, 3], .f32)
    let before = try session.run(evaluation, feeding: [x: data]).scalar(loss)
    #expect(try session.run(evaluation, feeding: [x: data]).scalar(loss) == before)
    let results = try session.run(step, feeding: [x: data])
    let carried = try session.snapshot("role(carried_state)")
    for (number, state) in output.states.enumerated() {
      #expect(try carried.values[number].array == results[state])
      #expect(try results[output.carry[number]] == results[state])
    }
    #expect(carried.values.map(\.array) != start.values.map(\.array))
    try session.restore(start)
    #expect(try session.value(of: "net/carried_state_0").doubles.allSatisfy { $0 == 0 })
  }

  /// States given to a run take the place of the carried ones, and its final states are carried on.
  @Test func beginningAnewFromGivenStates() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2, "time", 3], dtype: .f64)
    let start = graph.placeholder("start", shape: [2, 4], dtype: .f64)
    let output = GRU(4, options: RecurrentOptions(initialState: .carried)).run(x, initialState: [start])
    let session = try quietSession(graph)
    let results = try session.run(
      session.compile(fetching: output.states + output.carry),
      feeding: [x: noise([2, 3, 3]), start: noise([2, 4])])
    #expect(try session.value(of: "gru/carried_state_0") == results[output.states[0]])
  }

  /// States that are given ask for no batch; what is not of the carried ones' is not carried.
  @Test func givenStatesAskForNoBatch() throws {
    let graph = Graph()
    let layer = GRU(4, options: RecurrentOptions(initialState: .carried))
    let x = graph.placeholder("x", shape: ["batch", "time", 3], dtype: .f64)
    let start = graph.placeholder("start", shape: ["batch", 4], dtype: .f64)
    let free = layer.run(x, initialState: [start])
    #expect(free.carry.isEmpty && !graph.variables.contains { $0.kind == .state })
    let pair = graph.placeholder("pair", shape: [2, "time", 3], dtype: .f64)
    let carried = layer.run(pair)
    #expect(carried.carry.count == 1 && layer.run(x, initialState: [start]).carry.isEmpty)
    let session = try quietSession(graph)
    let (data, zeros) = (try noise([2, 5, 3]), try NDArray(zeros: [2, 4], dtype: .f64))
    let program = try session.compile(fetching: [free.last, carried.last])
    let results = try session.run(program, feeding: [x: data, start: zeros, pair: data])
    #expect(try results[free.last] == results[carried.last])
  }

  @Test func whatCannotBeCarried() throws {
    let faults: [(Graph) -> Tensor] = [
      {
        GRU(4, options: RecurrentOptions(initialState: .carried))(
          $0.placeholder("x", shape: ["batch", 5, 3]))
      },
      {
        GRU(4, isBidirectional: true, options: RecurrentOptions(initialState: .carried))(
          $0.placeholder("x", shape: [2, 5, 3]))
      },
      {
        let layer = GRU(4, options: RecurrentOptions(initialState: .carried))
        _ = layer($0.placeholder("x", shape: [2, 5, 3]))
        return layer($0.placeholder("y", shape: [3, 5, 3]))
      },
    ]
    for fault in faults {
      let graph = Graph()
      _ = fault(graph)
      let error = try #require(throws: FirnError.self) { try graph.validate() }
      #expect(error.constraint == "C6", "\(error)")
    }
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2, 5, 3])
    #expect(
      GRU(4, options: RecurrentOptions(initialState: .learned())).run(x).carry.isEmpty
        && GRU(4, name: "b").run(x).carry.isEmpty)
  }

  private func reset(_ session: Session) throws {
    for variable in session.variables where variable.role == "carried_state" {
      let zeros = try NDArray(zeros: variable.type.shape.extents ?? [], dtype: variable.type.dtype)
      try session.setValue(zeros, of: variable.name)
    }
  }

  /// Steps of `[batch, time, features]`.
  private func cut(_ data: NDArray, _ range: Range<Int>) throws -> NDArray {
    let (time, features) = (data.shape[1], data.shape[2])
    let kept = (0..<data.shape[0]).flatMap { row in
      data.doubles[(row * time + range.lowerBound) * features..<(row * time + range.upperBound) * features]
    }
    return try NDArray(kept, shape: [data.shape[0], range.count, features]).converted(to: data.dtype)
  }
}
