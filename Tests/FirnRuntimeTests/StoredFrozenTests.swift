import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
@testable import FirnRuntime
import FirnTestSupport
import FirnTraining
import Testing

/// A program that stores its frozen kernels computes what it would with the rounded kernels in `f32`, to the bit.
@Suite struct StoredFrozenTests {
  /// A trained layer below a frozen LSTM and a frozen layer, and a trained head.
  private struct Model {
    let graph = Graph()
    let x, y, scores, loss: Tensor

    /// By default of extents that fill no panel; some kernels are then stored as they lie, and widened before.
    init(_ below: Int = 13, _ units: Int = 24, _ middle: Int = 40) {
      x = graph.placeholder("x", shape: ["batch", 5, 11])
      y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
      let below = Dense(below, name: "below")(x)
      let state = LSTM(units, name: "lstm")(below)
      let middle = Dense(middle, activation: .tanh, name: "middle")(state)
      scores = Dense(6, name: "head")(middle)
      loss = sparseSoftmaxCrossEntropy(logits: scores, labels: y).mean()
    }

    func session(threads: Int = 2, seed: UInt64 = 3) throws -> Session {
      let session = try Session(graph, seed: seed, threads: threads)
      session.onWarning = { _ in }
      return session
    }

    func feeds(_ batch: Int = 9) throws -> Feeds {
      [
        x: try Initializer.normal().values(shape: [batch, 5, 11], name: "x"),
        y: NDArray((0..<batch).map { Int32($0 % 6) }),
      ]
    }

    static let kernels = ["lstm/kernel", "lstm/recurrent_kernel", "middle/kernel"]
  }

  /// What a kernel is rounded to, in `f64`, by the definition: no line of it is Firn's.
  private func rounded(_ kernel: NDArray, _ storage: FrozenStorage, channel: Int = 1) throws -> NDArray {
    let x = kernel.doubles
    func nearest(_ x: Double, bits: Int, least: Int) -> Double {
      guard x != 0 else { return x }
      let unit = Double(sign: .plus, exponent: max(Int(x.exponent), least) - bits, significand: 1)
      return (x / unit).rounded(.toNearestOrEven) * unit
    }
    let values: [Double]
    switch storage {
    case .bfloat16: values = x.map { nearest($0, bits: 7, least: -126) }
    case .float16: values = x.map { nearest($0, bits: 10, least: -14) }
    case .int8:
      let inner = kernel.shape[(channel + 1)...].reduce(1, *)
      let channels = kernel.shape[channel]
      var largest = [Float](repeating: 0, count: channels)
      for (at, value) in x.enumerated() {
        largest[at / inner % channels] = max(largest[at / inner % channels], Float(value.magnitude))
      }
      values = x.enumerated().map { at, value in
        let scale = largest[at / inner % channels] / 127
        return Double((Float(value) / scale).rounded(.toNearestOrEven) * scale)
      }
    }
    return try NDArray(values, shape: kernel.shape).converted(to: .f32)
  }

  private func round(_ names: [String], in session: Session, _ storage: FrozenStorage, channel: Int = 1)
    throws
  {
    for name in names {
      try session.setValue(rounded(session.value(of: name), storage, channel: channel), of: name)
    }
  }

  private func bits(_ session: Session) throws -> [String: NDArray] {
    var values: [String: NDArray] = [:]
    for variable in session.graph.variables { values[variable.name] = try session.value(of: variable.name) }
    return values
  }

  @Test(arguments: FrozenStorage.allCases, [1, 2, 3, 8])
  func trainingHasTheBitsOfRoundedKernels(_ storage: FrozenStorage, _ threads: Int) throws {
    let model = Model()
    let (session, other) = (try model.session(threads: threads), try model.session(threads: 2))
    let kernels = try Model.kernels.map { try session.value(of: $0) }
    try round(Model.kernels, in: other, storage)
    let program = try session.compile(
      minimizing: model.loss, with: Adam(learningRate: 0.01), freezing: "lstm | middle",
      storingFrozen: storage)
    let plain = try other.compile(
      minimizing: model.loss, with: Adam(learningRate: 0.01), freezing: "lstm | middle")
    let text = program.graph.text
    #expect(!text.contains("matmul_packed") && text.contains("matmul_stored"))
    for step in 0..<3 {
      let got = try session.run(program, feeding: model.feeds(9 + step))[model.loss]
      let wanted = try other.run(plain, feeding: model.feeds(9 + step))[model.loss]
      #expect(got.isBitwiseEqual(to: wanted), "step \(step)")
    }
    let (trained, expected) = (try bits(session), try bits(other))
    for (name, value) in trained where !Model.kernels.contains(name) {
      #expect(try value.isBitwiseEqual(to: #require(expected[name])), "\(name)")
    }
    // What is saved is what was loaded.
    for (name, kernel) in zip(Model.kernels, kernels) {
      #expect(try session.value(of: name).isBitwiseEqual(to: kernel))
    }
  }

  /// What two products read of one kernel are the same numbers, or it is not stored; parts that are apart have scales of
  /// their own.
  @Test(arguments: [true, false]) func partsHaveTheNumbersOfTheWhole(_ isReadWhole: Bool) throws {
    func unit(_ size: Int) throws -> NDArray {
      try NDArray((0..<size * size).map { Float($0 % (size + 1) == 0 ? 1 : 0) }, shape: [size, size])
    }
    let graph = Graph()
    let kernel = graph.variable("kernel", shape: [5, 8], initializer: .uniform(-1, 1))
    let (a, b) = (graph.placeholder("a", shape: ["rows", 5]), graph.placeholder("b", shape: ["others", 8]))
    func part(_ start: Int, _ end: Int) -> Tensor {
      kernel.sliced(axis: 0, from: Dim(start), to: Dim(end)).transposed()
    }
    // Each row of a kernel as a product reads it.
    let products =
      isReadWhole
      ? [matmul(a, kernel), matmul(b, part(1, 4))] : [matmul(b, part(0, 2)), matmul(b, part(2, 5))]
    let session = try Session(graph, seed: 1, threads: 1)
    var warnings: [String] = []
    session.onWarning = { warnings.append($0) }
    let program = try session.compile(
      fetching: products, freezing: "kernel", storingFrozen: .int8(.perChannel))
    #expect(warnings.contains { $0.contains("int8: `kernel`: it is read whole and in parts") } == isReadWhole)
    #expect(warnings.contains { $0.contains("nothing is stored") } == isReadWhole, "\(warnings)")
    let feeds: Feeds = isReadWhole ? [a: try unit(5), b: try unit(8)] : [b: try unit(8)]
    let results = try session.run(program, feeding: feeds)
    let reasons = program.frozenReport.stored?.unstored.map(\.reason) ?? []
    #expect(reasons.contains { $0.contains("read whole and in parts") } == isReadWhole, "\(reasons)")
    #expect(
      program.compilation.whole.nodes.count { $0.mnemonic == "store" } == (isReadWhole ? 0 : 2))
    guard isReadWhole else { return }
    let (whole, rows) = (try results[products[0]].floats, try results[products[1]].floats)
    for row in 0..<3 {
      for column in 0..<8 { #expect(whole[(row + 1) * 8 + column] == rows[column * 3 + row]) }
    }
  }

  /// In `f32` each is packed once for what goes forward and once for what goes back.
  @Test(arguments: FrozenStorage.allCases) func copiesAreSmaller(_ storage: FrozenStorage) throws {
    let model = Model(32, 32, 64)
    let session = try model.session()
    func size(_ storage: FrozenStorage?) throws -> Int {
      let session = try model.session()
      let program = try session.compile(
        minimizing: model.loss, with: Adam(learningRate: 0.01), freezing: "lstm | middle",
        storingFrozen: storage)
      try session.run(program, feeding: model.feeds())
      return session.boundSize.byteCount
    }
    let (full, small) = (try size(nil), try size(storage))
    #expect(Double(small) <= Double(full) * (storage.byteCount == 2 ? 0.5 : 0.3), "\(small) of \(full)")
    let program = try session.compile(
      minimizing: model.loss, with: Adam(learningRate: 0.01), freezing: "lstm | middle",
      storingFrozen: storage)
    try session.run(program, feeding: model.feeds())
    let report = program.frozenReport
    let stored = try #require(report.stored)
    #expect(stored.variables == Model.kernels && stored.type == storage)
    #expect(stored.bytes == report.values.filter { $0.storage != nil }.reduce(0) { $0 + $1.bytes })
    #expect(stored.bytes <= session.boundSize.byteCount)
    let reasons = Dictionary(uniqueKeysWithValues: stored.unstored.map { ($0.name, $0.reason) })
    #expect(reasons["below/kernel"] == "it is trained" && reasons["head/bias"] == "it is trained")
    #expect(reasons["lstm/bias"] == "nothing multiplies by it as a kernel, or looks it up")
    #expect(reasons.count + stored.variables.count == session.graph.variables.count)
    let entries = program.status.variables
    #expect(entries.filter { $0.stored != nil }.map(\.name) == Model.kernels)
    #expect("\(program.status)".contains("frozen, \(storage)"))
    #expect("\(program)".contains("3 variables as \(storage)"))
    #expect(try program.costReport().frozen.stored == stored)
    #expect(try program.explanation().status == program.status)
  }

  @Test func settingAKernelMakesItsCopiesAlone() throws {
    let model = Model()
    let session = try model.session()
    let program = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "lstm | middle",
      storingFrozen: .bfloat16)
    try session.run(program, feeding: model.feeds())
    let before = session.boundValuesMade
    try session.run(program, feeding: model.feeds())
    #expect(session.boundValuesMade == before)
    let kernel = try Initializer.normal().values(shape: [13, 96], name: "new")
    try session.setValue(kernel, of: "lstm/kernel")
    try session.run(program, feeding: model.feeds())
    let readers = program.frozenReport.values.filter { $0.variables.contains("lstm/kernel") }.map(\.name)
    #expect(session.lastBoundValues == readers && readers.count == 2)
    // The new copies are of the new kernel.
    let other = try model.session()
    for (name, value) in try bits(session) { try other.setValue(value, of: name) }
    let again = try other.compile(fetching: [model.scores], storingFrozen: .bfloat16)
    let same = try session.compile(fetching: [model.scores], storingFrozen: .bfloat16)
    #expect(
      try session.run(same, feeding: model.feeds())[model.scores].isBitwiseEqual(
        to: other.run(again, feeding: model.feeds())[model.scores]))
  }

  /// What is thawed, or stored no more, is `f32` again.
  @Test func thawedKernelsAreWhole() throws {
    let model = Model()
    let session = try model.session()
    func scores(_ storage: FrozenStorage?) throws -> NDArray {
      let program = try session.compile(fetching: [model.scores], storingFrozen: storage)
      return try session.run(program, feeding: model.feeds())[model.scores]
    }
    let whole = try scores(nil)
    let small = try scores(.int8(.perChannel))
    #expect(!small.isBitwiseEqual(to: whole))
    #expect(zip(small.doubles, whole.doubles).allSatisfy { ($0 - $1).magnitude < 0.05 })
    #expect(try scores(nil).isBitwiseEqual(to: whole))
    let stored = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "lstm | middle", storingFrozen: .float16
    )
    let thawed = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "lstm | middle", thawing: "middle",
      storingFrozen: .float16)
    #expect(stored.frozenReport.stored?.variables == Model.kernels)
    #expect(thawed.frozenReport.stored?.variables == ["lstm/kernel", "lstm/recurrent_kernel"])
    let before = try session.value(of: "middle/kernel")
    try session.run(thawed, feeding: model.feeds())
    #expect(try !session.value(of: "middle/kernel").isBitwiseEqual(to: before))
  }

  /// Convolutions with folded batch norms, and gradients through them: kernels are rounded once they are folded.
  @Test(arguments: FrozenStorage.allCases) func convolutionsReadRoundedKernels(_ storage: FrozenStorage)
    throws
  {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 9, 8, 3])
    let first = Conv2D(5, kernel: 3, name: "first")(x)
    let second = Conv2D(7, kernel: 3, stride: 2, usesBias: false, name: "second")(relu(first))
    let y = (second * second).mean()
    let feeds: Feeds = [x: try Initializer.normal().values(shape: [2, 9, 8, 3], name: "x")]
    let (session, other) = (try Session(graph, threads: 3), try Session(graph, threads: 1))
    for session in [session, other] { session.onWarning = { _ in } }
    try round(["second/kernel"], in: other, storage, channel: 3)
    let program = try session.compile(
      minimizing: y, with: SGD(learningRate: 0.1), freezing: "second", storingFrozen: storage)
    let plain = try other.compile(minimizing: y, with: SGD(learningRate: 0.1), freezing: "second")
    for _ in 0..<2 {
      #expect(
        try session.run(program, feeding: feeds)[y].isBitwiseEqual(to: other.run(plain, feeding: feeds)[y]))
    }
    #expect(
      try session.value(of: "first/kernel").isBitwiseEqual(to: other.value(of: "first/kernel")))
    #expect(program.frozenReport.stored?.variables == ["second/kernel"])
    // One copy for both ways, and each way widens it by itself.
    #expect(program.frozenReport.values.count { $0.storage != nil } == 1)
    #expect(program.graph.nodes.count { $0.mnemonic == "widen" } == 2)
  }

  /// What is in part trained, tied to what is trained, or no kernel at all is not stored, and says why.
  @Test func whatIsNotStoredSaysWhy() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 40])
    let part = graph.variable("part", shape: [40, 40])
    let tied = graph.variable("tied", shape: [40, 40])
    let still = graph.variable("still", shape: [40, 40], initializer: .uniform(-1, 1))
    let gain = graph.variable("gain", shape: [40])
    let hidden = matmul(matmul(matmul(x, part), tied), still) * gain
    let y = square(matmul(hidden, tied, transposeB: true)).mean()
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(
      minimizing: y, with: SGD(learningRate: 0.1), freezing: "still | gain | part[0..<10]",
      storingFrozen: .bfloat16)
    let stored = try #require(program.frozenReport.stored)
    #expect(stored.variables == ["still"])
    let reasons = Dictionary(uniqueKeysWithValues: stored.unstored.map { ($0.name, $0.reason) })
    #expect(reasons["part"] == "a part of it is trained" && reasons["tied"] == "it is trained")
    // Its factor is folded into the kernel.
    #expect(reasons["gain"]?.hasPrefix("it is a part of `") == true, "\(reasons)")
    #expect("\(program.frozenReport)".contains("a part of it is trained"))
  }

  /// A table is looked up as it is stored, also where it is the head's kernel, too.
  @Test(arguments: FrozenStorage.allCases) func tablesAreStored(_ storage: FrozenStorage) throws {
    let graph = Graph()
    let words = graph.placeholder("words", shape: ["batch", 6], dtype: .i32)
    let table = graph.variable("table", shape: [50, 33], initializer: .uniform(-1, 1))
    let mix = graph.variable("mix", shape: [33, 33], initializer: .uniform(-1, 1))
    let mean = gather(table, indices: words).mean(axes: [1])
    let scores = matmul(matmul(mean, mix), table, transposeB: true)
    let loss = square(scores).mean()
    let (session, other) = (try Session(graph, threads: 2), try Session(graph, threads: 1))
    for session in [session, other] { session.onWarning = { _ in } }
    try round(["table"], in: other, storage, channel: 0)
    let feeds: Feeds = [words: try NDArray((0..<24).map { Int32($0 * 7 % 50) }, shape: [4, 6])]
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.01), freezing: "table", storingFrozen: storage)
    let plain = try other.compile(minimizing: loss, with: SGD(learningRate: 0.01), freezing: "table")
    #expect(program.graph.nodes.contains { $0.mnemonic == "gather_stored" })
    for _ in 0..<2 {
      #expect(
        try session.run(program, feeding: feeds)[loss].isBitwiseEqual(
          to: other.run(plain, feeding: feeds)[loss]))
    }
    #expect(try session.value(of: "mix").isBitwiseEqual(to: other.value(of: "mix")))
    #expect(program.frozenReport.stored?.variables == ["table"])
  }

  /// What is trained is not stored, and so not measured either: where all that is frozen is what it is rounded to, the
  /// results of a batch are the same, whatever the trained values are.
  @Test(arguments: [FrozenStorage.bfloat16, .float16])
  func whatIsTrainedIsNotRoundedInMeasuring(_ storage: FrozenStorage) throws {
    let model = Model()
    let session = try model.session()
    try round(Model.kernels, in: session, storage)
    let program = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "lstm | middle",
      storingFrozen: storage, fetching: [model.scores])
    let report = try session.frozenReport(of: program, measuredOn: model.feeds())
    let stored = try #require(report.stored)
    #expect(stored.variables == Model.kernels && stored.deviations.count == 2)
    #expect(stored.deviations.allSatisfy { $0.largest == 0 && $0.relative == 0 }, "\(stored.deviations)")
    // Were the head rounded, it would show.
    for name in ["below/kernel", "head/kernel"] {
      let value = try session.value(of: name)
      #expect(try !rounded(value, storage).isBitwiseEqual(to: value), "\(name)")
    }
  }

  @Test func withoutEffectIsSaid() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 40])
    let gain = graph.variable("gain", shape: [40])
    let session = try Session(graph, threads: 1)
    do {
      _ = try session.compile(fetching: [x * gain], storingFrozen: .float16)
      Issue.record("a program without a kernel stores nothing")
    } catch {
      #expect(error.code == .invalidArgument && "\(error)".contains("nothing reads an `f32` kernel"))
    }
    let model = Model()
    let trained = try model.session()
    var warnings: [String] = []
    trained.onWarning = { warnings.append($0) }
    let program = try trained.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1), storingFrozen: .bfloat16)
    #expect(warnings.contains { $0.contains("nothing is stored as bfloat16") })
    #expect(program.frozenReport.stored?.variables == [])
    #expect(throws: FirnError.self) {
      try trained.frozenReport(
        of: trained.compile(minimizing: model.loss, with: SGD(learningRate: 0.1)), measuredOn: model.feeds())
    }
  }

  /// The distance on a batch is that of two programs, and measuring moves nothing.
  @Test(arguments: FrozenStorage.allCases) func theErrorIsMeasured(_ storage: FrozenStorage) throws {
    let model = Model()
    let session = try model.session()
    let program = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "lstm | middle", storingFrozen: storage,
      fetching: [model.scores])
    let before = try bits(session)
    let runs = session.runs
    let report = try session.frozenReport(of: program, measuredOn: model.feeds())
    #expect(session.runs == runs)
    for (name, value) in try bits(session) { #expect(try value.isBitwiseEqual(to: #require(before[name]))) }
    let deviations = try #require(report.stored).deviations
    #expect(deviations.map(\.name) == [model.scores.name, model.loss.name])
    let small = try session.compile(fetching: [model.scores], freezing: "**", storingFrozen: storage)
    let whole = try session.compile(fetching: [model.scores], freezing: "**")
    #expect(small.frozenReport.stored?.variables.contains("head/kernel") == true)
    let limit = storage == .float16 ? 1e-3 : 2e-2
    #expect(
      deviations.allSatisfy { $0.relative > 0 && $0.relative < limit && $0.largest > 0 }, "\(deviations)")
    let (a, b) = try (
      session.run(small, feeding: model.feeds())[model.scores].doubles,
      session.run(whole, feeding: model.feeds())[model.scores].doubles
    )
    #expect(zip(a, b).contains { $0 != $1 })
    #expect("\(report)".contains("against f32"))
  }
}
