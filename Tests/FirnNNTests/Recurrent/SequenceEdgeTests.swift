import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import Testing

/// Sequences, batches and layers of unusual sizes, and inputs that are not numbers.
@Suite struct SequenceEdgeTests {
  private struct Model {
    let session: Session
    let program: Program
    let x: Tensor
    let lengths: Tensor
    let output: RecurrentOutput
    let gradients: [Tensor]

    init(_ layer: RNN, features: Int = 3) throws {
      let graph = Graph()
      x = graph.placeholder("x", shape: ["batch", "time", Dim(features)], dtype: .f64)
      lengths = graph.placeholder("lengths", shape: ["batch"], dtype: .i32)
      output = layer.run(x, lengths: lengths)
      let loss = square(output.sequence).sum() + sin(output.last).sum()
      gradients = graph.gradients(of: [loss], withRespectTo: try variables(of: graph) + [x])
      session = try quietSession(graph, seed: 2)
      program = try session.compile(
        fetching: gradients + output.states + [output.sequence, output.last])
    }

    func run(_ data: NDArray, _ lengths: [Int32]) throws -> Results {
      try session.run(program, feeding: [x: data, self.lengths: NDArray(lengths)])
    }
  }

  static let layers: [@Sendable () -> RNN] = [
    { SimpleRNN(4, layers: 2, isBidirectional: true) }, { LSTM(4, layers: 2, isBidirectional: true) },
    { GRU(4, layers: 2, isBidirectional: true) }, { LayerNormLSTM(4) }, { GRU(1, resetAfter: false) },
    { LSTM(1) }, { SimpleRNN(1, options: RecurrentOptions(isReversed: true)) },
  ]

  /// Past its end a sequence holds its state and gives zeros, whatever stands there, NaN too.
  @Test(arguments: 0..<7) func whatStandsPastTheEndDoesNotMatter(_ number: Int) throws {
    let model = try Model(Self.layers[number]())
    let clean = try noise([2, 5, 3])
    var values = clean.doubles
    for element in 0..<6 { values[9 + element] = element % 2 == 0 ? .nan : .infinity }
    let dirty = try NDArray(values, shape: [2, 5, 3])
    let (a, b) = (try model.run(clean, [3, 5]), try model.run(dirty, [3, 5]))
    for tensor in model.gradients + model.output.states + [model.output.sequence, model.output.last] {
      #expect(try a[tensor] == b[tensor], "\(tensor)")
      #expect(try a[tensor].doubles.allSatisfy { $0.isFinite })
    }
    let rows = try a[model.output.sequence].rows
    #expect((rows[3] + rows[4]).allSatisfy { $0 == 0 })
    #expect((rows[2] + rows[9]).allSatisfy { $0 != 0 })
    // A sequence cut off is the same sequence.
    let short = try NDArray(Array(clean.doubles[..<9]), shape: [1, 3, 3])
    let cut = try model.run(short, [3])
    for state in model.output.states { #expect(try cut[state].rows[0] == a[state].rows[0]) }
  }

  @Test(arguments: 0..<7) func noStepsAndOneStep(_ number: Int) throws {
    let model = try Model(Self.layers[number]())
    let one = try model.run(noise([1, 1, 3]), [1])
    #expect(try one[model.output.last].doubles == one[model.output.sequence].doubles)
    for data in [try NDArray(zeros: [2, 0, 3], dtype: .f64), try noise([2, 4, 3])] {
      let none = try model.run(data, [0, 0])
      for tensor in model.output.states + [model.output.last, model.output.sequence] {
        #expect(try none[tensor].doubles.allSatisfy { $0 == 0 })
      }
      for gradient in model.gradients { #expect(try none[gradient].doubles.allSatisfy { $0 == 0 }) }
    }
  }

  /// After no steps the last output is the state it started with: a given one as well as zeros.
  @Test func lastAfterNoStepsIsTheInitialState() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2, 3, 4])
    let lengths = graph.placeholder("lengths", shape: [2], dtype: .i32)
    let start = try NDArray((0..<10).map { Float($0) + 0.5 }, shape: [2, 5])
    let output = GRU(5).run(x, lengths: lengths, initialState: [graph.constant(start)])
    let session = try quietSession(graph)
    let results = try session.run(
      session.compile(fetching: [output.last]),
      feeding: [x: try NDArray(zeros: [2, 3, 4], dtype: .f32), lengths: NDArray([0, 3] as [Int32])])
    let last = try results[output.last].doubles
    #expect(last[..<5].elementsEqual(start.doubles[..<5]) && last[5] != start.doubles[5])
  }

  /// A NaN inside a sequence shows in every later state of that sequence and in no other.
  @Test(arguments: 0..<6) func notANumberStaysInItsSequence(_ number: Int) throws {
    let layers = [
      LSTM(4), GRU(4), GRU(4, resetAfter: false), SimpleRNN(4), SimpleRNN(4, activation: .relu),
      LayerNormLSTM(4),
    ]
    let model = try Model(layers[number])
    var values = try noise([2, 5, 3]).doubles
    values[4] = .nan
    let results = try model.run(NDArray(values, shape: [2, 5, 3]), [5, 5])
    let rows = try results[model.output.sequence].rows
    for (number, row) in rows.enumerated() {
      #expect(row.allSatisfy { $0.isNaN == (1...4).contains(number) }, "row \(number)")
    }
  }

  @Test(arguments: [[6, 2], [3, -1]] as [[Int32]]) func lengthsOutsideTheData(_ lengths: [Int32]) throws {
    let model = try Model(GRU(4))
    let error = try #require(throws: FirnError.self) { try model.run(noise([2, 5, 3]), lengths) }
    #expect(error.code == .indexOutOfRange)
    #expect(error.description.contains("lengths"), "\(error)")
  }

  @Test func layoutsAndDirectionsAgree() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3], dtype: .f64)
    let batchMajor = LSTM(4, name: "a").run(x)
    let timeMajor = LSTM(4, options: RecurrentOptions(layout: .timeMajor), name: "b").run(
      x.transposed([1, 0, 2]))
    let reversed = LSTM(4, options: RecurrentOptions(isReversed: true), name: "c").run(x.reversed(axes: [1]))
    let fetches = [
      batchMajor.sequence, timeMajor.sequence.transposed([1, 0, 2]), reversed.sequence.reversed(axes: [1]),
    ]
    let session = try quietSession(graph)
    for name in ["kernel", "recurrent_kernel", "bias"] {
      let value = try session.value(of: "a/" + name)
      for other in ["b/", "c/"] { try session.setValue(value, of: other + name) }
    }
    let results = try session.run(session.compile(fetching: fetches), feeding: [x: noise([2, 5, 3])])
    #expect(try results[fetches[0]] == results[fetches[1]])
    #expect(try results[fetches[0]] == results[fetches[2]])
  }

  /// A sequence in two halves, the states handed on, is the sequence whole.
  @Test func statesCarryOver() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6, 3], dtype: .f64)
    let layer = LSTM(4, layers: 2)
    let whole = layer.run(x)
    let first = layer.run(x.sliced(axis: 1, to: 2))
    let second = layer.run(x.sliced(axis: 1, from: 2), initialState: first.states.map { stopGradient($0) })
    #expect(graph.variables.count == 6)
    #expect(
      graph.variables.map(\.name).prefix(2) == [
        "lstm/layer_0/forward/kernel", "lstm/layer_0/forward/recurrent_kernel",
      ])
    let session = try quietSession(graph)
    let results = try session.run(
      session.compile(fetching: [whole.last, second.last]), feeding: [x: noise([2, 6, 3])])
    #expect(try results[whole.last] == results[second.last])
  }

  /// One mask for all steps of a run, another for the next run; none in inference.
  @Test func dropoutOnTheState() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3], dtype: .f64)
    let output = GRU(4, layers: 2, dropout: 0.5, options: RecurrentOptions(stateDropout: 0.5)).run(x)
    let session = try quietSession(graph, seed: 1)
    let data = try noise([2, 5, 3])
    let training = try session.compile(fetching: [output.last], inTrainingMode: true)
    let inference = try session.compile(fetching: [output.last])
    let runs = try [training, training, inference, inference].map {
      try session.run($0, feeding: [x: data])[output.last]
    }
    #expect(runs[0] != runs[1])
    #expect(runs[2] == runs[3])
    #expect(graph.definition.text.components(of: "= dropout(") == 3)
  }

  @Test func faultyArguments() throws {
    let faults: [(String, (Graph, Tensor) -> Tensor)] = [
      ("C1", { LSTM(4)($1.sum(axes: [1])) }),
      ("C2", { GRU(4).run($1, lengths: $0.constant(NDArray([1, 2] as [Int32]))).last }),
      ("C2", { GRU(4).run($1, lengths: $1.sum(axes: [1, 2])).last }),
      ("C3", { LSTM(4).run($1, initialState: [$0.constant(0)]).last }),
      ("C4", { GRU(4, layers: 0)($1) }), ("C4", { RNN(stacking: [])(stopGradient($1)) }),
      ("C5", { SimpleRNN(4, dropout: 2)($1) }),
    ]
    for (constraint, build) in faults {
      let graph = Graph()
      _ = build(graph, graph.placeholder("x", shape: ["batch", "time", 3]))
      let error = try #require(throws: FirnError.self) { try graph.validate() }
      #expect(error.constraint == constraint, "\(error)")
    }
    let graph = Graph()
    _ = SimpleRNN(4).run(graph.placeholder("x", shape: ["batch", "time", 3])).cell
    #expect(throws: FirnError.self) { try graph.validate() }
  }
}

extension String {
  fileprivate func components(of word: String) -> Int { ranges(of: word).count }
}
