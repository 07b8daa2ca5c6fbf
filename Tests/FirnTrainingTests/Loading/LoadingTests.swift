import FirnFiles
import FirnNotation
import FirnFormats
import FirnGraph
import FirnNN
import FirnOps
import FirnTraining
import Testing

@testable import FirnRuntime

/// Rule 12: a load is whole, or it says what it was not.
@Suite struct LoadingTests {
  private func weights(_ entries: KeyValuePairs<String, NDArray>) throws -> Weights {
    try Weights(source: "test", entries: entries.map { WeightEntry(name: $0.key, array: $0.value) })
  }

  private func weights(of session: Session, _ change: ([WeightEntry]) throws -> [WeightEntry]) throws
    -> Weights
  {
    try Weights(source: "test", entries: change(session.weights().entries))
  }

  // MARK: Strict

  @Test func rule12LoadingIsStrict() throws {
    let model = try Chain()
    let source = try quietSession(model.graph, seed: 1)
    let target = try quietSession(model.graph, seed: 2)
    let before = try target.snapshot()
    let faulty = try weights(of: source) { entries in
      [
        WeightEntry(name: "lower/bias", array: try NDArray(zeros: [5])),
        WeightEntry(name: "lower/kernal", array: try NDArray(zeros: [3, 4])),
        WeightEntry(
          name: "upper/bias", array: try NDArray(zeros: [entries.last?.shape.first ?? 0], dtype: .i32)),
      ] + entries.filter { !["lower/bias", "lower/kernel", "upper/bias"].contains($0.name) }
    }
    let error = try error { try target.load(faulty) }
    #expect(error.message.hasPrefix("test does not fit the model: "))
    #expect(
      error.message.hasSuffix(
        "1 missing, 1 unexpected, 1 of another shape, 1 of another type; nothing was loaded"))
    #expect(error.causes.map(\.code) == [.unknownName, .shapeMismatch, .typeMismatch, .unknownName])
    #expect(error.description.contains("`lower/kernel` (f32[3,4]) is missing"))
    #expect(error.description.contains("`lower/kernal` is unexpected"))
    #expect(error.description.contains("did you mean lower/kernel"))
    #expect(try target.snapshot() == before)
    try target.load(source.weights())
    #expect(try target.snapshot() == source.snapshot())
    #expect(try target.snapshot("loaded").values.count == before.values.count)
  }

  /// Also a strict load says when it rounds.
  @Test(arguments: [true, false]) func roundingIsAWarning(_ isStrict: Bool) throws {
    let graph = Graph()
    for name in ["a", "b", "c"] { _ = graph.variable(name, shape: [2], dtype: name == "c" ? .f64 : .f32) }
    let session = try quietSession(graph)
    var warnings: [String] = []
    session.onWarning = { warnings.append($0) }
    let third = NDArray([1.0 / 3, 1] as [Double])
    let report = try session.load(
      weights(["a": third, "b": NDArray([1, 2] as [Float]), "c": third]), strict: isStrict)
    #expect(report.isComplete && warnings == ["loading test: f64 rounded to f32: `a`"])
    warnings = []
    _ = try session.load(
      weights(["a": NDArray([1, 2] as [Float]), "b": NDArray([1, 2] as [Float]), "c": third]),
      strict: isStrict)
    #expect(warnings.isEmpty)
  }

  /// Two tensors for one variable are never right, strict or not.
  @Test func oneVariableHasOneSource() throws {
    let model = try Chain()
    let session = try quietSession(model.graph)
    let before = try session.snapshot()
    let doubled = try weights(of: session) {
      $0 + [
        WeightEntry(
          name: "old/lower/bias",
          array: $0[1].shape.isEmpty ? NDArray([0 as Float]) : (try NDArray(zeros: $0[1].shape)))
      ]
    }
    let map = NameMap.prefix("old/")
    for strict in [true, false] {
      let error = try error { _ = try session.load(doubled, mapping: map, strict: strict) }
      #expect(error.message == "`lower/bias` and `old/lower/bias` are both for `lower/bias`")
    }
    try session.load(doubled, mapping: .ignoring("old/.*") + map)
    #expect(try session.snapshot() == before)
  }

  /// A file says twice what is one variable here: fine, where it says so of one piece of memory.
  @Test func tiedTensorsAreOne() throws {
    let graph = Graph()
    let table = graph.variable("table", shape: [2])
    let session = try quietSession(graph)
    func file(_ second: [Float], storage: Int?, shape: [Int] = [2]) throws -> Weights {
      try Weights(
        source: "tied",
        entries: [("table", [1, 2] as [Float]), ("head", second)].map { name, values in
          WeightEntry(name: name, storedType: .f32, shape: name == "head" ? shape : [2], storage: storage) {
            () throws(FirnError) in NDArray(values)
          }
        })
    }
    let map = NameMap.regex("head", to: "table")
    let report = try session.load(file([1, 2], storage: 0), mapping: map, strict: true)
    #expect(report.rows(.ignored).map(\.note) == ["tied to what `table` gets"])
    #expect(try session.value(of: table).floats == [1, 2])
    #expect(throws: FirnError.self) { try session.load(file([1, 2], storage: nil), mapping: map) }
    #expect(throws: FirnError.self) { try session.load(file([1, 3], storage: 0), mapping: map) }
    // Views of one storage that have other shapes are no twins.
    #expect(throws: FirnError.self) {
      try session.load(file([1, 2], storage: 0, shape: [1, 2]), mapping: map)
    }
  }

  /// A tensor that cannot be read, found last, leaves everything as it was.
  @Test func damagedTensorsChangeNothing() throws {
    let model = try Chain()
    let session = try quietSession(model.graph)
    let before = try session.snapshot()
    let zeros = try weights(of: session) { entries in
      try entries.map { WeightEntry(name: $0.name, array: try NDArray(zeros: $0.shape)) }
    }
    let damaged = try weights(of: session) { _ in
      zeros.entries.dropLast() + [
        WeightEntry(
          name: zeros.entries.last?.name ?? "", storedType: .f32, shape: zeros.entries.last?.shape ?? []
        ) {
          () throws(FirnError) in throw FirnError(.parse, "damaged")
        }
      ]
    }
    #expect(throws: FirnError.self) { try session.load(damaged) }
    #expect(try session.snapshot() == before)
  }

  // MARK: Not strict

  /// Trap 15: of a file that fits little, little is loaded, and it cannot go unseen.
  @Test func trap15PartialLoadsAreSeen() throws {
    let model = try Chain()
    let session = try Session(model.graph, seed: 2)
    var heard: [String] = []
    session.onWarning = { heard.append($0) }
    let random = try session.snapshot()
    let partial = try weights(of: try quietSession(model.graph, seed: 9)) { entries in
      try entries.prefix(1)
        + entries.dropFirst(2).map {
          WeightEntry(name: "module." + $0.name, array: try NDArray(zeros: $0.shape))
        }
    }
    #expect(throws: FirnError.self) { try session.load(partial) }
    #expect(try session.snapshot() == random)
    let report = try session.load(partial, strict: false)
    #expect(report.rows(.matched).map(\.variable) == ["lower/kernel"])
    #expect(report.count(.missing) == random.values.count - 1)
    #expect(report.count(.unexpected) == random.values.count - 2)
    #expect(!report.isComplete)
    #expect(heard == ["loading test: \(report.summary)"])
    #expect(
      try session.snapshot("!lower/kernel")
        == Snapshot(values: random.values.filter { $0.name != "lower/kernel" }))
    // What stayed random and is frozen is warned of once more.
    let program = try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: "lower")
    #expect(program.warnings == ["frozen but never loaded or trained: `lower/bias`"])
    // Nothing at all is never what was meant.
    let nothing = try weights(["module.lower/kernel": try NDArray(zeros: [3, 4])])
    #expect(throws: FirnError.self) { try session.load(nothing, strict: false) }
  }

  @Test func reportPrintsAsATable() throws {
    let graph = Graph()
    for name in ["a", "b", "c", "d", "e"] { _ = graph.variable(name, shape: [2, 3]) }
    let session = try quietSession(graph)
    let report = try session.load(
      weights([
        "a": try NDArray(zeros: [2, 3]), "b": try NDArray(zeros: [2, 3], dtype: .f64),
        "c": try NDArray(zeros: [3, 2]),
        "d": try NDArray(zeros: [2, 3], dtype: .bool), "f": try NDArray(zeros: []),
        "counter": try NDArray(zeros: []),
      ]), mapping: .ignoring("counter"), strict: false)
    #expect(
      report.description == """
        test: 1 matched, 1 converted, 1 missing, 1 unexpected, 1 of another shape, 1 of another type, 1
        ignored
                            variable            in the file
          converted         b         f32[2,3]  b            f64[2,3]   f64 to f32
          of another shape  c         f32[2,3]  c            f32[3,2]
              axis 0 is 3, not 2, axis 1 is 2, not 3
          of another type   d         f32[2,3]  d            bool[2,3]  bool does not become f32
          missing           e         f32[2,3]
          unexpected        -                   f            f32[]      as `f`; did you mean a, b or c?
          ignored           -                   counter      f32[]      by the map
        """, "\(report)")
  }

  @Test func selectionsAndScopes() throws {
    let model = try Chain()
    let session = try quietSession(model.graph, seed: 2)
    let other = try quietSession(model.graph, seed: 9)
    let lower = try Weights(
      source: "lower",
      entries: other.snapshot("lower").values.map {
        WeightEntry(name: String($0.name.dropFirst(6)), array: $0.array)
      })
    try session.load(lower, into: "lower")
    #expect(try session.snapshot("lower") == other.snapshot("lower"))
    #expect(try session.value(of: "upper/kernel") != other.value(of: "upper/kernel"))
    #expect(throws: FirnError.self) { try session.load(lower, into: "lowr") }
    let report = try session.load(other.weights(), only: "upper/kernel[1..<2]", strict: true)
    #expect(report.isComplete && report.count(.matched) == 1)
    let rows = try session.value(of: "upper/kernel").rows
    #expect(try rows[1] == other.value(of: "upper/kernel").rows[1])
    #expect(try rows[0] != other.value(of: "upper/kernel").rows[0])
  }

  /// Of a file that holds more than the model, what is selected loads, strictly; what of that is missing is an error.
  @Test func restOfTheFileIsLeftOut() throws {
    let model = try Chain()
    let session = try quietSession(model.graph, seed: 2)
    let other = try quietSession(model.graph, seed: 9)
    let file = try weights(of: other) {
      $0 + [WeightEntry(name: "decoder/kernel", array: try NDArray(zeros: [2]))]
    }
    #expect(throws: FirnError.self) { try session.load(file) }
    let report = try session.load(file, only: "upper", strict: true)
    #expect(report.rows(.ignored).last?.sources == ["decoder/kernel"] && report.count(.matched) == 2)
    #expect(try session.snapshot("upper") == other.snapshot("upper"))
    #expect(try session.value(of: "lower/kernel") != other.value(of: "lower/kernel"))
    let short = try weights(of: other) { $0.filter { $0.name != "upper/bias" } }
    #expect(try error { try session.load(short, only: "upper") }.description.contains("`upper/bias`"))
  }

  /// Braces keep the dots of what they stand for, and where the rest of a file is left out nothing else would say so.
  @Test func dotsAreNoSlashes() throws {
    let session = try quietSession(Chain().graph, seed: 2)
    let file = try weights(of: session) {
      try $0.map {
        $0.name == "upper/kernel" ? WeightEntry(name: "upper.weights", array: try $0.array()) : $0
      }
    }
    let map = NameMap.renaming("{path...}.weights", to: "{path...}.kernel")
    let fault = try error { try session.load(file, only: "upper", mapping: map) }
    #expect(
      fault.causes.map(\.message) == [
        "`upper/kernel` (f32[5,6]) is missing: the map makes `upper.kernel` of `upper.weights`, with dots for slashes"
      ])
    try session.load(file, only: "upper", mapping: map.then(.renaming("{path}.kernel", to: "{path}/kernel")))
  }

  /// A variable that cannot hold the file's elements stays as it was, and all others are loaded.
  @Test func elementsThatDoNotFitAreNotLoaded() throws {
    let graph = Graph()
    _ = graph.variable("steps", shape: [], dtype: .i32, initializer: .zeros)
    _ = graph.variable("head", shape: [2], initializer: .zeros)
    let large = WeightEntry(name: "count", StoredArray(.i64, []), fault: FileFault("file")) {
      Bytes(copying: [0, 0, 0, 0, 0, 1, 0, 0])
    }
    let head = WeightEntry(name: "head", array: NDArray([1, 2] as [Float]))
    let map = NameMap.renaming("count", to: "steps")
    let file = try Weights(source: "file", entries: [large, head])
    let session = try quietSession(graph)
    let report = try session.load(file, mapping: map, strict: false)
    #expect(report.rows(.matched).map(\.variable) == ["head"])
    let row = try #require(report.rows(.unconvertible).first)
    #expect(row.variable == "steps" && row.sources == ["count"] && row.note.contains("which is no i32"))
    #expect(try session.value(of: "head").floats == [1, 2] && session.value(of: "steps").doubles == [0])
    // A strict load says for which variable it was, and changes nothing.
    let strict = try quietSession(graph)
    let fault = try error { try strict.load(file, mapping: map) }
    #expect(fault.code == .parse && fault.message.hasPrefix("`count`, for `steps`: "), "\(fault)")
    #expect(try strict.value(of: "head").floats == [0, 0])
    // A file of which nothing fits, or one that is damaged, is an error in any case.
    let alone = try Weights(source: "file", entries: [large])
    #expect(
      try error { _ = try strict.load(alone, mapping: map, strict: false) }.message.contains(
        "1 unconvertible"))
    let damaged = WeightEntry(name: "count", storedType: .i32, shape: []) { () throws(FirnError) in
      throw FirnError(.parse, "damaged")
    }
    let broken = try Weights(source: "file", entries: [damaged, head])
    #expect(try error { _ = try strict.load(broken, mapping: map, strict: false) }.message == "damaged")
    #expect(try strict.value(of: "head").floats == [0, 0])
  }

  /// Types that a rule of the map cannot compute with are found before anything is read.
  @Test func typesThatARuleCannotComputeWithAreNotLoaded() throws {
    let graph = Graph()
    for (name, shape) in [("kernel", [4]), ("bias", [2]), ("sum", [1])] as [(String, Shape)] {
      _ = graph.variable(name, shape: shape, initializer: .zeros)
    }
    let file = try weights([
      "a": NDArray([1, 2] as [Float]), "b": NDArray([3, 4] as [Double]), "c": NDArray([5, 6] as [Int32]),
      "bias": NDArray([7, 8] as [Float]),
    ])
    let map =
      NameMap.combining(["a", "b"], to: "kernel", by: .concatenated(axis: 0))
      + .renaming("c", to: "sum", .summed(axis: 0))
    let session = try quietSession(graph)
    let report = try session.load(file, mapping: map, strict: false)
    #expect(report.rows(.matched).map(\.variable) == ["bias"] && report.count(.missing) == 2)
    #expect(report.rows(.unconvertible).map(\.sources) == [["a", "b"], ["c"]])
    #expect(
      report.rows(.unconvertible).map(\.note) == [
        "f32 and f64 are no types for concatenated along axis 0", "i32 cannot be summed over axis 0",
      ])
    #expect(try session.value(of: "bias").floats == [7, 8])
    let fault = try error { try quietSession(graph).load(file, mapping: map) }
    #expect(fault.description.contains("`a`, `b`: f32 and f64"), "\(fault)")
  }

  /// However long names and however many weights a layer is made from: at most 100 columns, and the ends of names stay.
  @Test func reportsStayNarrow() throws {
    let graph = Graph()
    let scope = "encoder/" + String(repeating: "very_", count: 20) + "deep"
    let x = graph.placeholder("x", shape: ["batch", 4, 3])
    graph.scope(scope) { _ = LSTM(5, layers: 3, name: "lstm")(x) }
    _ = graph.variable("left_alone", shape: [2])
    let network = RecurrentNetwork(.lstm, layers: 3)
    let source = try quietSession(graph, seed: 4)
    let own = Dictionary(
      uniqueKeysWithValues: try source.snapshot("encoder").values.map {
        (String($0.name.dropFirst(scope.count + "/lstm/".count)), $0.array)
      })
    let foreign = try network.converting(own, from: .firn(), to: .pyTorch)
    let long = "module.encoder.rnn."
    let file = try Weights(
      source: String(repeating: "folder/", count: 20) + "a.pt",
      entries: foreign.keys.sorted().map {
        WeightEntry(name: long + $0, array: try foreign[$0] ?? NDArray(zeros: []))
      } + [WeightEntry(name: String(repeating: "x", count: 130), array: try NDArray(zeros: [2]))])
    let report = try quietSession(graph).load(
      file, mapping: .pyTorchRNN(network, from: long, into: scope + "/lstm"), strict: false)
    #expect(report.rows(.converted).count == 9 && !report.isComplete)
    let lines = report.description.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 100 && !$0.hasSuffix(" ") }, "\(report)")
    #expect((0..<3).allSatisfy { report.description.contains("_\($0)/forward/bias  f32[20]") }, "\(report)")
    #expect(lines.count { $0.contains("more") } == 3)
    #expect(lines.contains { $0.contains("missing") && $0.contains("left_alone") })
  }

  // MARK: Without copies

  /// Loading touches no byte: the variable is where the file's array is, and first values are never made.
  @Test func arraysAreTakenOver() throws {
    let graph = Graph()
    _ = graph.variable("w", shape: [4])
    let session = try quietSession(graph)
    let array = NDArray([1, 2, 3, 4] as [Float])
    try session.load(weights(["w": array]))
    #expect(session.store["w"]?.storage?.pointer == array.storagePointer)
  }

  @Test func savingIsInCreationOrder() throws {
    let model = try Chain()
    let session = try quietSession(model.graph)
    #expect(try session.weights().entries.map(\.name) == model.graph.variables.map(\.name))
    #expect(try session.weights("upper").entries.map(\.name) == ["upper/kernel", "upper/bias"])
    #expect(throws: FirnError.self) { try session.weights("upper/kernel[0..<1]") }
  }
}
