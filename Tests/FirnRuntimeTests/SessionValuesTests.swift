import FirnFormats
import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTraining
import Testing

@testable import FirnRuntime

/// Setting, reading, copying and restoring weights: by name, block and selection, all or nothing.
@Suite struct SessionValuesTests {
  private struct Model {
    let graph = Graph()
    let loss: Tensor
    let feeds: Feeds

    init() throws {
      let x = graph.placeholder("x", shape: ["batch", 3, 2])
      loss = square(Dense(2, name: "head")(LSTM(4, name: "lstm")(x))).mean()
      feeds = [x: try Initializer.uniform(-1, 1).values(shape: [2, 3, 2])]
    }

    func session(seed: UInt64 = 0) throws -> Session {
      let session = try Session(graph, seed: seed, threads: 1)
      session.onWarning = { _ in }
      return session
    }
  }

  private func filled(_ value: Float, _ shape: [Int]) throws -> NDArray {
    try NDArray([Float](repeating: value, count: shape.reduce(1, *)), shape: shape)
  }

  // MARK: By declaration

  /// What a session lists it also tells and takes, an optimiser's memory too.
  @Test func listedVariablesAreReadAndSet() throws {
    let model = try Model()
    let session = try model.session()
    try session.run(session.compile(minimizing: model.loss, with: Adam()), feeding: model.feeds)
    #expect(session.variables.contains { $0.kind == .slot })
    for variable in session.variables {
      let value = try session.value(of: variable)
      #expect(value.shape == variable.type.shape.extents)
      #expect(try session.value(of: variable.name) == value)
      #expect(try session.value(of: Selection(variable.name)) == value)
    }
    let moment = try #require(session.variables.first { $0.name == "head/bias/adam/first_moment" })
    try session.setValue(try filled(3, [2]), of: moment)
    #expect(try session.value(of: "head/bias/adam/first_moment").floats == [3, 3])
    let read = try #require(session.variables.first)
    #expect(try session.run(session.compile(fetching: [read]))[read] == session.value(of: read))
  }

  // MARK: By name and block

  @Test func gateIsSetAndReadByName() throws {
    let session = try Model().session()
    try session.setValue(try filled(7, [4]), of: "lstm/bias[gate: forget]")
    #expect(try session.value(of: "lstm/bias").floats == [0, 0, 0, 0, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(try session.value(of: Selection.path("lstm/bias")[gate: "forget"]).floats == [7, 7, 7, 7])
    let kernel = try session.value(of: "lstm/kernel")
    let block = try session.value(of: "lstm/kernel[gate: cell]")
    #expect(block.shape == [2, 4] && block.rows == kernel.rows.map { Array($0[8..<12]) })
    try session.setValue(try filled(1, [1, 16]), of: "lstm/kernel[1..<2]")
    #expect(try session.value(of: "lstm/kernel").rows == [kernel.rows[0], [Double](repeating: 1, count: 16)])
  }

  @Test func mismatchIsSpelledOut() throws {
    let session = try Model().session()
    let before = try session.snapshot()
    func message(_ array: NDArray, _ name: String) throws -> String {
      let error = try #require(throws: FirnError.self) { try session.setValue(array, of: name) }
      return error.description
    }
    #expect(
      try message(try NDArray(zeros: [2, 4]), "head/kernel").contains(
        "`head/kernel` is f32[4,2], the value is f32[2,4]: axis 0 is 2, not 4, axis 1 is 4, not 2\n  at head/kernel\n  remedy: transpose the array"
      ))
    #expect(try message(try NDArray(zeros: [8]), "head/kernel").contains("it has 1 axes, not 2"))
    #expect(
      try message(try NDArray(zeros: [4, 2], dtype: .f64), "head/kernel").contains(
        "its elements are f64, not f32\n  at head/kernel\n  remedy: convert with `converted(to: .f32)`"))
    #expect(try message(try NDArray(zeros: [5]), "lstm/bias[gate: forget]").contains("axis 0 is 5, not 4"))
    #expect(
      try message(try NDArray(zeros: [5]), "lstm/bias[gate: forgot]").contains("gates are input, forget"))
    #expect(try message(try NDArray(zeros: [5]), "lstm/baz").contains("lstm/bias"))
    #expect(throws: FirnError.self) { try session.value(of: Selection("lstm")) }
    #expect(try session.snapshot() == before)
  }

  @Test func severalAreSetOrNone() throws {
    let session = try Model().session()
    let before = try session.snapshot()
    let error = #expect(throws: FirnError.self) {
      try session.setValues([
        "head/bias": try filled(1, [2]), "head/kernel": try filled(1, [2, 2]),
        "lstm/bias": try filled(1, [3]),
      ])
    }
    #expect(error?.causes.map(\.place) == ["head/kernel", "lstm/bias"])
    let twice = #expect(throws: FirnError.self) {
      try session.setValues([
        "lstm/bias[gate: forget]": try filled(1, [4]), "lstm/bias[2..<5]": try filled(1, [3]),
      ])
    }
    #expect(twice?.code == .duplicateName)
    #expect(try session.snapshot() == before)
    try session.setValues([
      "lstm/bias[gate: forget]": try filled(1, [4]), "head/bias": try filled(3, [2]),
      "lstm/bias[gate: input]": try filled(2, [4]),
    ])
    #expect(try session.value(of: "lstm/bias").floats.prefix(9) == [2, 2, 2, 2, 1, 1, 1, 1, 0])
    #expect(try session.value(of: "head/bias").floats == [3, 3])
  }

  /// A converted network's weights go in as they are; what is wrong is told in order of names.
  @Test func dictionariesOfNamesAreSet() throws {
    let model = try Model()
    let session = try model.session()
    let network = RecurrentNetwork(.lstm)
    let stored = try Dictionary(
      uniqueKeysWithValues: [("kernel", [2, 16]), ("recurrent_kernel", [4, 16]), ("bias", [16])].map {
        ($0, try Initializer.uniform(-1, 1).values(shape: $1))
      })
    let converted = try network.converting(stored, from: .keras, to: .firn(scope: "lstm"))
    try session.setValues(converted)
    for (name, array) in converted { #expect(try session.value(of: name) == array) }
    #expect(try session.snapshot("loaded").values.count == converted.count)
    let before = try session.snapshot()
    let wrong = ["z": try filled(0, []), "head/bias": try filled(0, [3]), "a": try filled(0, [])]
    let error = #expect(throws: FirnError.self) { try session.setValues(wrong) }
    #expect(error?.causes.map { $0.message.contains("`a`") } == [true, false])
    #expect(try session.snapshot() == before)
    // A literal is pairs: a name that stands there twice is an error.
    let twice = #expect(throws: FirnError.self) {
      try session.setValues(["head/bias": try filled(1, [2]), "head/bias": try filled(2, [2])])
    }
    #expect(twice?.code == .duplicateName)
  }

  @Test func gatesOfEveryCellAreSetAndReadByName() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3, 2])
    _ = LayerNormLSTM(4, name: "norm")(x)
    _ = GRU(4, name: "gru")(x)
    let session = try Session(graph, threads: 1)
    for (name, gates) in [
      ("norm/bias", ["input", "forget", "cell", "output"]),
      ("norm/kernel_gain", ["input", "forget", "cell", "output"]),
      ("norm/recurrent_gain", ["input", "forget", "cell", "output"]),
      ("gru/bias", ["reset", "update", "new"]),
    ] {
      var expected = try session.value(of: name).floats
      for (number, gate) in gates.enumerated() {
        try session.setValue(filled(Float(7 + number), [4]), of: "\(name)[gate: \(gate)]")
        let block = graph.variables.first { $0.name == name }?.blocks?.names.firstIndex(of: gate)
        let place = try #require(block) * 4
        expected.replaceSubrange(place..<place + 4, with: [Float](repeating: Float(7 + number), count: 4))
        #expect(try session.value(of: name).floats == expected)
        #expect(try session.value(of: "\(name)[gate: \(gate)]") == filled(Float(7 + number), [4]))
      }
    }
  }

  // MARK: Initialising

  /// Names of gates mean those of each variable; a variable without them, or without that one, is an error.
  @Test func gatesAreDrawnAnewByName() throws {
    let session = try Model().session()
    try session.initialize("lstm/bias", with: .blocks(["forget": .ones], otherwise: .constant(3)))
    #expect(try session.value(of: "lstm/bias").floats == [3, 3, 3, 3, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3])
    try session.initialize("lstm/recurrent_kernel", with: .blocks(otherwise: .orthogonal()))
    for row in try session.value(of: "lstm/recurrent_kernel[gate: cell]").rows {
      #expect(abs(row.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5, "each gate's square is orthogonal by itself")
    }
    try session.initialize("head/bias", with: .function { Double($0[0]) })
    #expect(try session.value(of: "head/bias").floats == [0, 1])
    #expect(
      try session.snapshot("loaded").values.map(\.name) == ["head/bias"], "a function's values are given")
    let before = try session.snapshot()
    for (selection, gate) in [("head/bias", "forget"), ("lstm/bias", "forgot")] as [(Selection, String)] {
      let error = #expect(throws: FirnError.self) {
        try session.initialize(selection, with: .blocks([gate: .ones], otherwise: .zeros))
      }
      #expect(error?.message.contains("block `\(gate)`") == true)
    }
    #expect(try session.snapshot() == before)
  }

  @Test func selectionsAreDrawnAnew() throws {
    let session = try Model().session(seed: 5)
    let first = try session.snapshot()
    try session.initialize("role(bias)", with: .constant(2))
    #expect(try session.value(of: "head/bias").floats == [2, 2])
    #expect(try session.value(of: "head/kernel") == first.values[3].array)
    try session.initialize(seed: 6)
    #expect(
      try session.snapshot().values.map(\.array) == Model().session(seed: 6).snapshot().values.map(\.array))
    try session.initialize()
    #expect(try session.snapshot() == first)
    // One gate, by its own initialiser, is that part of what the whole gets.
    try session.setValue(try NDArray(zeros: [2, 16]), of: "lstm/kernel")
    try session.initialize("lstm/kernel[gate: output]")
    let drawn = try session.value(of: "lstm/kernel").rows
    #expect(drawn.map { Array($0[12...]) } == first.values[0].array.rows.map { Array($0[12...]) })
    #expect(drawn.allSatisfy { $0[..<12].allSatisfy { $0 == 0 } })
    let before = try session.snapshot()
    #expect(throws: FirnError.self) { try session.initialize("head", with: .array(try NDArray(zeros: [2]))) }
    #expect(try session.snapshot() == before)
  }

  @Test func reinitialisedIsRandom() throws {
    let model = try Model()
    let session = try model.session()
    func warnings() throws -> [String] {
      try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "head").warnings
    }
    try session.setValue(try NDArray(zeros: [2]), of: "head/bias[0..<2]")
    #expect(try warnings() == ["frozen but never loaded or trained: `head/kernel`"])
    try session.setValue(try NDArray(zeros: [1, 2]), of: "head/kernel[0..<1]")
    #expect(try warnings().count == 1, "one row of four is not the whole")
    try session.setValue(try NDArray(zeros: [4, 2]), of: "head/kernel")
    #expect(try warnings() == [])
    let random = try model.session().snapshot("head")
    try session.initialize("head")
    #expect(try warnings().count == 1)
    try session.setValue(try NDArray(zeros: [4, 2]), of: "head/kernel")
    try session.restore(random)
    #expect(try warnings().first?.contains("head/kernel") == true, "a random value put back is random")
  }

  /// What is frozen and random is named block by block: what was loaded or trained of a variable is neither.
  @Test func originsAreOfBlocks() throws {
    let model = try Model()
    let session = try model.session()
    func warnings(_ freezing: Selection) throws -> [String] {
      try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: freezing).warnings
    }
    let rows = "head/kernel[0..<2]"
    try session.setValue(try NDArray(zeros: [2, 2]), of: rows)
    #expect(try warnings("head/kernel[0..<2]") == [])
    #expect(try warnings("head/kernel[0..<1]") == [])
    #expect(
      try warnings("head/kernel[1..<3]") == ["frozen but never loaded or trained: `head/kernel[2..<3]`"])
    #expect(
      try warnings("head/kernel") == ["frozen but never loaded or trained: `head/kernel[2..<4]`"])
    let saved = try session.snapshot()
    // Along another axis, what is frozen may be what was not set.
    #expect(try warnings("head/kernel[axis 1: 0..<1]").count == 1)
    try session.run(
      session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "head/kernel[0..<2]"),
      feeding: model.feeds)
    #expect(try warnings("head/kernel") == [])
    try session.initialize("head/kernel[3..<4]")
    #expect(
      try warnings("head/kernel") == ["frozen but never loaded or trained: `head/kernel[3..<4]`"])
    try session.restore(saved)
    #expect(
      try warnings("head/kernel") == ["frozen but never loaded or trained: `head/kernel[2..<4]`"])
    try session.setValue(try NDArray(zeros: [2, 2]), of: "head/kernel[2..<4]")
    #expect(try warnings("head/kernel") == [])
    // What a run writes counts as trained, whatever it was; what is drawn along another axis makes all of it random.
    #expect(session.origin(of: "head/kernel") == .loaded)
    try session.run(
      session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "head/kernel[0..<2]"),
      feeding: model.feeds)
    #expect(session.origin(of: "head/kernel") == .trained)
    try session.initialize("head/kernel[0..<1]")
    try session.initialize("head/kernel[axis 1: 0..<1]")
    #expect(session.origin(of: "head/kernel") == .initialized)
  }

  /// `loaded` and `uninitialised` are about this session's values, in every place a selection stands.
  @Test func factsAreKnown() throws {
    let model = try Model()
    let session = try model.session()
    #expect(throws: FirnError.self) { try session.snapshot("loaded") }
    try session.setValue(try NDArray(zeros: [4, 2]), of: "head/kernel")
    #expect(try session.snapshot("loaded").values.map(\.name) == ["head/kernel"])
    #expect(try session.snapshot("uninitialised").values.count == 4)
    let program = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "loaded")
    #expect(program.frozen.map(\.name) == ["head/kernel"])
    #expect(throws: FirnError.self) { try program.explanation().why("nothing") }
    _ = try program.explanation().lint()
  }

  /// What a step moved is not what it was drawn as, whether a gradient moved it or the batch did.
  @Test func movedStateIsNotRandom() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 2])
    let loss = square(Dense(1, name: "head")(BatchNorm(name: "bn")(x))).mean()
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(minimizing: loss, with: Adam(), freezing: "head/bias")
    #expect(try session.snapshot("uninitialised").values.count == graph.variables.count)
    try session.run(program, feeding: [x: try Initializer.uniform(-1, 1).values(shape: [4, 2])])
    #expect(try session.snapshot("uninitialised").values.map(\.name) == ["head/bias"])
    #expect(throws: FirnError.self) { try session.snapshot("loaded") }
  }

  /// A place in the model has a fact of all variables of the scope it stands in.
  @Test func keepingTrainingModeKnowsFacts() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 2])
    let (a, b) = (
      graph.scope("a") { BatchNorm(name: "bn")(Dense(2, name: "dense")(x)) },
      graph.scope("b") { BatchNorm(name: "bn")(Dense(2, name: "dense")(x)) }
    )
    let loss = square(Dense(1, name: "head")(a + b)).mean()
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    func moving(_ keeping: Selection) throws -> [String] {
      let program = try session.compile(
        minimizing: loss, with: SGD(learningRate: 0.1), freezing: "a | b", keepingTrainingMode: keeping)
      let training = program.status.scopes.filter { $0.mode == .training }.map(\.path)
      #expect(training.contains("head"))
      #expect(program.writtenVariables.filter { $0.hasPrefix("a/") }.isEmpty == !training.contains("a/bn"))
      return program.writtenVariables.filter { $0.hasSuffix("moving_mean") }
    }
    #expect(throws: FirnError.self) { try moving("loaded") }
    try session.setValues([
      "a/bn/gamma": filled(1, [2]), "a/bn/beta": filled(1, [2]), "a/bn/moving_mean": filled(1, [2]),
    ])
    #expect(throws: FirnError.self) { try moving("loaded") }
    try session.setValue(filled(1, [2]), of: "a/bn/moving_variance")
    #expect(try moving("loaded") == ["a/bn/moving_mean"])
    #expect(try moving("!loaded") == ["b/bn/moving_mean"])
    #expect(try moving("uninitialised & b") == ["b/bn/moving_mean"])
    #expect(try moving("trainable") == ["a/bn/moving_mean", "b/bn/moving_mean"])
  }

  // MARK: Snapshots and other sessions

  /// The documents' "preserve, train, restore", of a scope, of a gate, and with the optimiser's memory.
  @Test func snapshotsOfAnySelection() throws {
    let model = try Model()
    let session = try model.session()
    let program = try session.compile(minimizing: model.loss, with: Adam())
    try session.run(program, feeding: model.feeds)
    let gate = try session.snapshot("lstm/kernel[gate: forget]")
    let all = try session.snapshot(includingSlots: true)
    #expect(gate.values.map(\.block) == [Block(axis: 1, range: 4..<8)])
    #expect(all.values.count == 5 + 15)
    try session.run(program, feeding: model.feeds)
    let later = try session.value(of: "lstm/kernel").rows
    try session.restore(gate)
    let mixed = try session.value(of: "lstm/kernel").rows
    for (mixed, later) in zip(mixed, later) {
      #expect(Array(mixed[..<4] + mixed[8...]) == Array(later[..<4] + later[8...]))
    }
    #expect(try session.value(of: "lstm/kernel[gate: forget]") == gate.values[0].array)
    try session.restore(all)
    #expect(try session.snapshot(includingSlots: true) == all)
    let head = try session.snapshot("head", includingSlots: true).values.map(\.name)
    #expect(head.prefix(2) == ["head/kernel", "head/bias"] && head.count == 8)
    #expect(head.contains("head/bias/adam/second_moment") && !head.contains { $0.hasPrefix("lstm") })
    try session.initialize("head", includingSlots: true)
    #expect(try session.value(of: "head/kernel/adam/step").scalar == 0)
    #expect(try session.value(of: "lstm/kernel/adam/step").scalar == 1)
  }

  @Test func valuesComeFromAnotherSession() throws {
    let teacher = try Model().session(seed: 9)
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3, 2])
    graph.scope("student") { _ = LSTM(4, name: "encoder")(x) }
    let student = try Session(graph, threads: 1)
    try student.copyValues(from: teacher, "lstm", replacing: "lstm", with: "student/encoder")
    #expect(try student.value(of: "student/encoder/kernel") == teacher.value(of: "lstm/kernel"))
    let before = try student.snapshot()
    #expect(throws: FirnError.self) {
      try student.copyValues(from: teacher, "lstm | head", replacing: "lstm", with: "student/encoder")
    }
    #expect(throws: FirnError.self) { try student.copyValues(from: teacher, "lstm") }
    #expect(try student.snapshot() == before)
    // Neither sees what the other does next.
    try teacher.setValue(try NDArray(zeros: [4]), of: "lstm/bias[gate: forget]")
    #expect(try student.snapshot() == before)
  }
}
