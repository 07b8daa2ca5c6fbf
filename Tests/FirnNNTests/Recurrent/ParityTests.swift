import FirnFormats
import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Outputs, final states, gradients and training as PyTorch, Keras and TensorFlow 1 have them.
@Suite struct ParityTests {
  @Test(arguments: [DType.f64, .f32]) func pyTorch(_ dtype: DType) throws {
    let fixtures = try Fixture.load("torch.json")
    #expect(fixtures.count == 18)
    for fixture in fixtures { try compare(fixture, .pyTorch, dtype) }
  }

  @Test(arguments: [DType.f64, .f32]) func keras(_ dtype: DType) throws {
    let fixtures = try Fixture.load("keras.json")
    #expect(fixtures.count == 16)
    for fixture in fixtures { try compare(fixture, .keras, dtype) }
  }

  @Test(arguments: [DType.f64, .f32]) func tensorFlow1(_ dtype: DType) throws {
    let fixtures = try Fixture.load("tensorflow1.json")
    #expect(fixtures.count == 13)
    for fixture in fixtures { try compare(fixture, .tensorFlow1(), dtype) }
  }

  @Test(arguments: [DType.f64, .f32]) func tenStepsAsPyTorch(_ dtype: DType) throws {
    let fixtures = try Fixture.load("torch_adam.json")
    #expect(fixtures.count == 12)
    for fixture in fixtures { try train(fixture, .pyTorch, dtype) }
  }

  @Test(arguments: [DType.f64, .f32]) func tenStepsAsKeras(_ dtype: DType) throws {
    let fixtures = try Fixture.load("keras_adam.json")
    #expect(fixtures.count == 16)
    for fixture in fixtures { try train(fixture, .keras, dtype) }
  }

  @Test(arguments: [DType.f64, .f32]) func tenStepsAsTensorFlow1(_ dtype: DType) throws {
    let fixtures = try Fixture.load("tensorflow1_adam.json")
    #expect(fixtures.count == 12)
    for fixture in fixtures { try train(fixture, .tensorFlow1(), dtype) }
  }

  /// Sets the weights, runs, and compares all that the fixture has.
  private func compare(_ fixture: Fixture, _ layout: RecurrentLayout, _ dtype: DType) throws {
    let tolerance = dtype == .f64 ? 1e-12 : 2e-6
    let reference = try FixtureNetwork(fixture, layout)
    let graph = Graph()
    func leaf(_ name: String) throws -> Tensor {
      let array = try fixture.input(name, dtype)
      return graph.variable(name, shape: Shape(array.shape), dtype: dtype, initializer: .array(array))
    }
    let x = try leaf("x")
    let (names, starts, finals) = try states(fixture, reference, leaf)
    let output = reference.layer.run(
      x, lengths: try fixture.lengths.map { graph.constant($0) }, initialState: starts)
    let tensors = [output.sequence] + finals(output.states)
    let parameters = try variables(of: graph)
    let gradients = graph.gradients(
      of: tensors, withRespectTo: parameters,
      seeds: try (["sequence"] + names).map {
        graph.constant(try #require(fixture.seeds?[$0]).array(dtype))
      })
    let session = try quietSession(graph)
    for (name, array) in try reference.converting(fixture.weights(dtype)) {
      try session.setValue(array, of: name)
    }
    let run = try session.run(session.compile(fetching: tensors + gradients))
    for (name, tensor) in zip(["sequence"] + names, tensors) {
      let apart = difference(try run[tensor], try #require(fixture.results?[name]))
      #expect(apart <= tolerance, "\(fixture.name) \(dtype): \(name) is \(apart) apart")
    }
    let all = try #require(fixture.gradients)
    let moved = try reference.converting(
      gradients: all.filter { fixture.weights[$0.key] != nil }.mapValues { try $0.array() })
    for (parameter, gradient) in zip(parameters, gradients) {
      let own = moved[parameter.name].map { Fixture.Numbers(shape: $0.shape, values: $0.doubles) }
      let apart = difference(try run[gradient], try #require(own ?? all[parameter.name]))
      #expect(apart <= tolerance, "\(fixture.name) \(dtype): gradient of \(parameter.name) is \(apart) apart")
    }
  }

  /// The names of a fixture's states, the states a layer starts from, and the fixture's form of those it ends with.
  ///
  /// PyTorch stacks the states of all layers and directions.
  private func states(
    _ fixture: Fixture, _ reference: FixtureNetwork, _ leaf: (String) throws -> Tensor
  ) throws -> ([String], [Tensor], ([Tensor]) -> [Tensor]) {
    guard reference.layout == .pyTorch else {
      let names = (0..<reference.stateCount).map { "state\($0)" }
      return (names, try names.map(leaf), { $0 })
    }
    let names = reference.network.cell == .lstm ? ["h", "c"] : ["h"]
    let stacked = try names.map(leaf)
    let starts = (0..<reference.stateCount / names.count).flatMap { place in
      stacked.map { $0.sliced(axis: 0, from: Dim(place), to: Dim(place + 1)).squeezed(axes: [0]) }
    }
    return (
      names, starts,
      { states in
        names.indices.map { number in
          stack(stride(from: number, to: states.count, by: names.count).map { states[$0] })
        }
      }
    )
  }

  /// Ten steps of Adam with a part frozen: the trained weights as there, the frozen ones untouched.
  private func train(_ fixture: Fixture, _ layout: RecurrentLayout, _ dtype: DType) throws {
    let reference = try FixtureNetwork(fixture, layout)
    let graph = Graph()
    let x = graph.constant(try fixture.input("x", dtype))
    let lengths = try fixture.lengths.map { graph.constant($0) }
    let target = graph.constant(try fixture.input("target", dtype))
    let loss = square(reference.layer.run(x, lengths: lengths).sequence - target).mean()
    let session = try quietSession(graph)
    let start = try reference.converting(fixture.weights(dtype))
    for (name, array) in start { try session.setValue(array, of: name) }
    let frozen = try reference.frozen(try #require(fixture.frozen), of: fixture.weights(.f64))
    #expect(!frozen.isEmpty && frozen.count < start.count)
    let program = try session.compile(
      minimizing: loss, with: Adam(learningRate: 0.01),
      freezing: Selection(frozen.joined(separator: " | ")))
    for _ in 0..<10 { try session.run(program) }
    let end = try reference.converting(try #require(fixture.trained).mapValues { try $0.array() })
    for (name, expected) in end {
      let value = try session.value(of: name)
      if frozen.contains(name) {
        #expect(value == start[name], "\(fixture.name) \(dtype): \(name) moved")
      } else {
        let apart = zip(value.doubles, expected.doubles).map { abs($0 - $1) }.max() ?? .infinity
        let moved = zip(value.doubles, try #require(start[name]).doubles).map { abs($0 - $1) }.max() ?? 0
        #expect(apart <= 1e-5 && moved > 0.01, "\(fixture.name) \(dtype): \(name) is \(apart) apart")
      }
    }
  }
}
