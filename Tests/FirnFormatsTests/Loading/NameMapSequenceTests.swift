import FirnFiles
import FirnGraph
import FirnRuntime
import Testing

@testable import FirnFormats

/// Maps that run one after the other, that cannot be reached, that join tensors, and that run backwards.
@Suite struct NameMapSequenceTests {
  private func weights(_ names: [String], _ shape: [Int] = [2, 3]) throws -> Weights {
    try Weights(
      source: "test", entries: names.map { WeightEntry(name: $0, array: try NDArray(zeros: shape)) })
  }

  private func names(_ names: [String], _ map: NameMap) throws -> [String] {
    try MappedWeights(weights(names), by: map).weights.map(\.target)
  }

  @Test func oneAfterTheOtherIsNotFirstMatch() throws {
    let strip = NameMap.prefix("module.")
    #expect(try names(["module.a.weight", "b.weight"], strip + .pyTorch) == ["a.weight", "b/kernel"])
    #expect(try names(["module.a.weight", "b.weight"], strip.then(.pyTorch)) == ["a/kernel", "b/kernel"])
    // What a chain is about, by any of its maps, a map after it is not.
    let chain = NameMap.prefix("a.", "c.").then(.prefix("c.", "d."))
    #expect(
      try names(["a.x", "b.x", "c.x"], chain + .prefix("b.", "e.") + .regex("c.*", to: "f"))
        == ["d.x", "e.x", "d.x"])
    #expect("\(strip.then(.pyTorch))" == "module.… becomes …\nthen names of PyTorch modules become paths")
  }

  @Test func rulesNothingIsLeftForAreErrors() throws {
    for map in [
      NameMap.pyTorch + .ignoring("fc.*"), .regex("(.*)", to: "a/$1") + .keras, .prefix("", "a/") + .pyTorch,
      .prefix("a.").then(.pyTorch) + .ignoring("b"), .keras.then(.pyTorch + .prefix("a")),
      .renaming("{path...}", to: "a/{path...}") + .pyTorch,
    ] {
      let error = try #require(throws: FirnError.self) { try names(["fc.weight"], map) }
      #expect(error.code == .invalidArgument && error.message.contains("has no effect"), "\(error)")
      #expect(throws: FirnError.self) { try UnmappedWeights(weights(["a/kernel"]).entries, by: map) }
    }
    #expect(try names(["fc.weight", "a.weight"], .ignoring("fc.*") + .pyTorch) == ["a/kernel"])
  }

  /// A rule that is about names of the file and gets none of them: a warning, as another file may have others.
  @Test func idleRulesAreNamed() throws {
    let idle = try MappedWeights(
      weights(["a.x", "a.y"]), by: .prefix("a.", "b/") + .renaming("a.{n}", to: "c/{n}") + .ignoring("z")
    ).idle
    #expect(idle == ["(a.{n} becomes c/{n}) takes nothing: a rule before it is about `a.x` as well"])
  }

  @Test func theFileTellsModulesApart() throws {
    func variable(_ name: String, _ ranks: KeyValuePairs<String, Int>) -> String {
      ModuleNames(ranks.map { ($0.key, $0.value) }).variable(name).path
    }
    #expect(variable("bn.bias", ["bn.weight": 1, "bn.bias": 1]) == "bn/beta")
    #expect(variable("bn.bias", ["bn.running_mean": 1, "bn.bias": 1]) == "bn/beta")
    #expect(variable("fc.bias", ["fc.weight": 2, "fc.bias": 1]) == "fc/bias")
    #expect(variable("word_embeddings.weight", ["word_embeddings.weight": 2]) == "word_embeddings/table")
    #expect(variable("time_emb.weight", ["time_emb.weight": 2, "time_emb.bias": 1]) == "time_emb/kernel")
    #expect(variable("q.weight", ["q.weight": 2]) == "q/kernel")
    #expect(variable("wte.weight", ["wte.weight": 2]) == "wte/table")
    #expect(variable("bn.num_batches_tracked", [:]) == "bn/batch_count")
  }

  @Test func belowKeepsWhatIsStored() throws {
    let entry = WeightEntry(
      name: "m.a", storedType: .f16, shape: [1], storage: 3, requiresGradient: true
    ) { () throws(FirnError) in NDArray([1 as Float]) }
    let weights = try Weights(
      source: "test", entries: [entry, WeightEntry(name: "ma", array: NDArray([2 as Float]))],
      metadata: [.init(key: "k", value: "v")],
      skipped: [.init(name: "m.b", reason: "r"), .init(name: "n", reason: "r")])
    for prefix in ["m", "m."] {
      let below = try weights.below(prefix)
      #expect(below.entries.map(\.name) == ["a"] && below.entries[0].storedType == .f16)
      #expect(below.entries[0].storage == 3 && below.entries[0].requiresGradient == true)
      #expect(below.metadata == weights.metadata && below.skipped.map(\.name) == ["b"])
    }
    let error = try #require(throws: FirnError.self) { try weights.below("q.r") }
    #expect(error.code == .unknownName && error.remedy == "its names begin with `m`, `ma`")
  }

  // MARK: Backwards

  @Test func mapsRunBackwards() throws {
    for (map, files) in [
      (NameMap.identity, ["a/b"]), (.prefix("model.", "encoder/"), ["model.x", "y"]),
      (.renaming("h.{n}.weight", to: "layer_{n+1}/kernel", .transposed), ["h.0.weight", "h.11.weight"]),
      (.prefix("module.").then(.renaming("{path...}.w", to: "{path...}/kernel")), ["module.a.b.w"]),
      (.ignoring("zz") + .pyTorch, ["a.0.weight", "a.0.bias"]), (.keras, ["a/embeddings"]),
    ] {
      let read = try weights(files).mapped(by: map).weights
      let back = try UnmappedWeights(read.entries, by: map).entries
      #expect(back.map(\.name) == files && back.allSatisfy { $0.shape == [2, 3] }, "\(map)")
    }
  }

  @Test func whatCannotRunBackwardsIsSaid() throws {
    for (map, variable) in [
      (NameMap.regex("(.*)/w", to: "$1/kernel"), "a/kernel"), (.renaming("{a}.{b}", to: "{a}"), "x"),
      (.renaming("w", to: "k", .summed(axis: 1)), "k"), (.renaming("w", to: "k", .reshaped([2, 3])), "k"),
      (.combining(["{p}.a", "{p}.b"], to: "{p}.c", by: .sum), "x.c"),
      (.combining(["l.{n}.a", "l.{n}.b"], to: "l_{n+1}/c", by: .sum), "l_3/c"),
      (.ignoring("model.x") + .prefix("model.", "encoder/"), "encoder/x"),
    ] {
      let error = try #require(throws: FirnError.self) {
        try UnmappedWeights(weights([variable]).entries, by: map)
      }
      #expect(error.code == .invalidArgument && error.remedy != nil, "\(map)")
      #expect(!error.message.contains("count on"), "\(error)")
    }
    // What such a rule cannot have made it says nothing about.
    let combining = NameMap.combining(["l.{n}.a", "l.{n}.b"], to: "l_{n+1}/c", by: .sum)
    #expect(try UnmappedWeights(weights(["l_3/d"]).entries, by: combining).entries.map(\.name) == ["l_3/d"])
  }

  // MARK: Several into one

  @Test func combinations() throws {
    let stored = try Weights(
      source: "test",
      entries: [
        ("x.b", [3, 5] as [Float]), ("y.0.a", [1, 2]), ("x.a", [1, 2]), ("y.0.b", [1, 1]), ("z.a", [1, 1]),
      ].map { WeightEntry(name: $0.0, array: NDArray($0.1)) })
    let map = NameMap.combining(["{p...}.a", "{p...}.b"], to: "{p...}/kernel", by: .concatenated(axis: 0))
    let mapped = try MappedWeights(stored, by: map)
    #expect(mapped.weights.map(\.target) == ["x/kernel", "y.0/kernel"])
    #expect(try mapped.weights[0].entry.array().floats == [1, 2, 3, 5])
    #expect(mapped.weights[0].sources.map(\.name) == ["x.a", "x.b"])
    #expect(mapped.failed.map(\.sources) == [["z.a"]])
    // A name that leaves out a brace would be two things' at once; neither goes under in silence.
    let short = try MappedWeights(
      Weights(
        source: "test",
        entries: ["e.0.a", "e.1.b", "e.1.a"].map { WeightEntry(name: $0, array: NDArray([1] as [Float])) }),
      by: .combining(["{p}.{n}.a", "{p}.{n}.b"], to: "{p}/kernel", by: .sum))
    #expect(short.weights.isEmpty)
    #expect(short.failed.map(\.sources) == [["e.0.a"], ["e.1.a", "e.1.b"]])
    #expect(short.failed.map(\.error.code) == [.unknownName, .duplicateName])
    #expect(throws: FirnError.self) {
      try WeightCombination.concatenated(axis: 0).shape(of: [[1 << 62, 0], [1 << 62, 0]])
    }
    #expect(
      try WeightCombination.sum([NDArray([1, 2] as [Float]), NDArray([3, 5] as [Float])]).floats == [4, 7])
    let matrix = try NDArray([1, 2, 3, 4, 5, 6, 7, 8] as [Float], shape: [2, 2, 2])
    #expect(
      try WeightCombination.concatenated(axis: 1)([matrix, matrix]).floats
        == [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 5, 6, 7, 8])
    // Gain by row; over all for a scalar; a direction of zeros.
    let direction = try NDArray([3, 4, 0, 0] as [Double], shape: [2, 2])
    #expect(
      try WeightCombination.weightNorm([NDArray([10, 2] as [Double], shape: [2, 1]), direction]).doubles
        == [6, 8, 0, 0])
    #expect(try WeightCombination.weightNorm([NDArray(scalar: 10.0), direction]).doubles == [6, 8, 0, 0])
    #expect(
      try WeightCombination.weightNorm([NDArray([6, 8] as [Double], shape: [1, 2]), direction]).doubles
        == [6, 8, 0, 0])
    for (combination, shapes) in [
      (WeightCombination.weightNorm, [[2], [2, 2]]), (.weightNorm, [[2]]), (.sum, [[2], [3]]),
      (.concatenated(axis: 1), [[2], [2]]), (.concatenated(axis: 0), [[2, 3], [2, 4]]), (.sum, []),
    ] {
      #expect(throws: FirnError.self) { try combination.shape(of: shapes) }
    }
  }

  @Test func sumsAndRepeats() throws {
    let kernel = try NDArray((1...12).map(Float.init), shape: [2, 3, 2])
    let grey = try WeightTransform.summed(axis: 1)(kernel)
    #expect(grey.shape == [2, 1, 2] && grey.floats == [9, 12, 27, 30])
    let repeated = try WeightTransform.repeated(2, axis: 1)(NDArray([1, 2, 3, 4] as [Float], shape: [2, 2]))
    #expect(repeated.shape == [2, 4] && repeated.floats == [1, 2, 1, 2, 3, 4, 3, 4])
    for faulty in [WeightTransform.summed(axis: 3), .repeated(0, axis: 0), .repeated(.max, axis: 0)] {
      #expect(throws: FirnError.self) { try faulty.shape(of: [2, 3, 2]) }
    }
    // Types that only move keep their stored bits, sums become what Firn computes with.
    let entry = WeightEntry(name: "a", storedType: .f16, shape: [2, 2]) { () throws(FirnError) in
      try NDArray([1, 2, 3, 4] as [Float], shape: [2, 2])
    }
    #expect(try entry.moved(to: "b", by: .repeated(2, axis: 0)).storedType == .f16)
    #expect(try entry.moved(to: "b", by: .summed(axis: 0)).storedType == .f32)
    #expect(try entry.moved(to: "b", by: .summed(axis: 0)).storedBytes().count == 8)
  }

  @Test func transformsThatLoseNothingHaveAnInverse() throws {
    let array = try NDArray((0..<24).map(Float.init), shape: [4, 3, 2])
    for transform in [
      WeightTransform.none, .transposed, .permuted([2, 0, 1]), .blocks([2, 0, 3, 1], axis: 0),
      .reshaped([6, 4], from: [4, 3, 2]).then(.transposed),
      .permuted([1, 2, 0]).then(.blocks([1, 0], axis: 1)),
    ] {
      let inverse = try #require(transform.inverse)
      #expect(try inverse(transform(array)) == array, "\(transform)")
    }
    let linear = WeightTransform.linear(outputs: 2, flattening: (3, 2, 2))
    let stored = try NDArray((0..<24).map(Float.init), shape: [2, 12])
    #expect(try linear.inverse?(linear(stored)) == stored)
    #expect(WeightTransform.reshaped([24]).inverse == nil && WeightTransform.summed(axis: 0).inverse == nil)
  }
}
