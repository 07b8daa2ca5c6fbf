import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
@testable import FirnTraining
import Foundation
import Testing

/// What is stored is used only where it was made of the same: each part of the key, damage, other processes, full
/// disks.
@Suite struct FeatureStoreTests {
  /// How many of the 11 examples had to be computed for a model in a session that `change` has changed.
  private func computed(
    _ place: FeaturePlace, _ model: CachingModel, data: DataSet? = nil, freezing: Selection? = nil,
    _ change: (Session) throws -> Void = { _ in }
  ) throws -> Int {
    let session = try model.session()
    try change(session)
    let features = try #require(
      try Caching.frozenFeatures(in: place).features(
        of: model.program(session, freezing: freezing), over: data ?? model.data(), in: session))
    _ = try features.feeds(Array(0..<11))
    return features.computedCount
  }

  /// One computation is made to see that what is inherited is what would be computed.
  private static let proof = 1

  /// What is stored serves every head: its width, its name and its first values are no part of the key.
  @Test func headsShareFeatures() throws {
    try withFolder { url in
      for isFolder in [false, true] {
        let memory = FeaturePlace.memory(limit: 1 << 20)
        var counts: [Int] = []
        for (width, name, initializer) in [
          (3, "head", Initializer.zeros), (5, "head", .zeros), (3, "other", .zeros), (3, "head", .ones),
        ] as [(Int, String, Initializer)] {
          let graph = Graph()
          let x = graph.placeholder("x", shape: ["batch", 6])
          let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
          let code = Dense(40, activation: .tanh, name: "encoder")(x)
          let bias = graph.variable(name, shape: [Dim(width)], initializer: initializer)
          let logits = Dense(width, name: "\(name)_kernel")(code) + bias
          let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: y).mean()
          let session = try Session(graph, seed: 1)
          session.onWarning = { _ in }
          let program = try session.compile(
            minimizing: loss, with: SGD(learningRate: 0.1), freezing: "encoder")
          let data = try DataSet([
            "x": noise([11, 6], "x"), "y": NDArray((0..<11).map { Int32($0 % 3) }),
          ])
          let features = try #require(
            try Caching.frozenFeatures(in: isFolder ? .folder(url.path) : memory).features(
              of: program, over: data, in: session))
          _ = try features.feeds(Array(0..<11))
          counts.append(features.computedCount)
        }
        #expect(counts == [11] + [Int](repeating: isFolder ? Self.proof : 0, count: 3))
      }
    }
  }

  /// Places and numbers that are none are told before anything is stored.
  @Test func placesThatAreNone() throws {
    let model = try CachingModel(.dense)
    let session = try model.session()
    for caching in [
      Caching.frozenFeatures(in: .folder("")), .frozenFeatures(in: .memory(limit: -1)),
      .frozenFeatures(in: .memory(limit: 1 << 20), bytesPerExample: -5),
    ] {
      let error = try #require(throws: FirnError.self) {
        _ = try caching.features(of: model.program(session), over: model.data(), in: session)
      }
      #expect(error.code == .invalidArgument && error.remedy != nil)
    }
  }

  /// A run goes through no weight that another has gone through, unless it was given another value since.
  @Test func weightsAreDigestedOnce() throws {
    let model = try CachingModel(.dense)
    let place = FeaturePlace.memory(limit: 1 << 20)
    let session = try model.session()
    func digested() throws -> Int {
      let before = place.digestedVariables
      _ = try Caching.frozenFeatures(in: place).features(
        of: model.program(session), over: model.data(), in: session)
      return place.digestedVariables - before
    }
    let first = try digested()
    #expect(first > 1)
    #expect(try digested() == 0)
    try session.setValue(session.value(of: "encoder/dense/bias"), of: "encoder/dense/bias")
    #expect(try digested() == 1)
  }

  @Test func everyPartOfTheKeyCounts() throws {
    try withFolder { url in
      let model = try CachingModel(.dense)
      for isFolder in [false, true] {
        let memory = FeaturePlace.memory(limit: 1 << 20)
        func place() -> FeaturePlace { isFolder ? .folder(url.path) : memory }
        let known = isFolder ? Self.proof : 0
        #expect(try computed(place(), model) == 11)
        #expect(try computed(place(), model) == known, "the same again")
        // A frozen weight, by one bit: one that is read in runs, and one that is packed when it is bound.
        for name in ["encoder/dense/bias", "encoder/dense/kernel"] {
          let weight = try model.session().value(of: name)
          var numbers = weight.floats
          numbers[3] = numbers[3] == 0 ? 0x1p-100 : numbers[3].nextUp
          #expect(
            try computed(place(), model) {
              try $0.setValue(NDArray(numbers, shape: weight.shape), of: name)
            } == 11, "a changed \(name)")
        }
        // One element of one example.
        var rows = model.columns[0].array.floats
        rows[6 * 4 + 2] += 1
        let changed = try model.data { $0[0].array = try NDArray(rows, shape: [11, 6]) }
        #expect(try computed(place(), model, data: changed) == 1 + known, "a changed example")
        // Labels are no part of what is stored, nor is the head.
        let relabelled = try model.data { $0[1].array = labels(11, classes: 2) }
        #expect(try computed(place(), model, data: relabelled) == known, "other labels")
        #expect(
          try computed(place(), model) { try $0.setValue(noise([8, 3]), of: "head/kernel") } == known,
          "another head")
        // Another graph with the same weights.
        #expect(try computed(place(), CachingModel(.rectified)) == 11, "another graph")
        #expect(try computed(place(), model) == known, "and the first again")
      }
    }
  }

  /// Two weights of one shape that change places are other weights.
  @Test func weightsAreKeyedByName() throws {
    let model = try CachingModel(.tiedWeights)
    let place = FeaturePlace.memory(limit: 1 << 20)
    #expect(try computed(place, model) == 11)
    #expect(try computed(place, model) { try $0.setValue(noise([6, 6]), of: "encoder/w") } == 11)
    // What is trained besides is none of it.
    #expect(try computed(place, model) { try $0.setValue(noise([6, 6]), of: "between/kernel") } == 0)
  }

  /// A graph counts where all names, types and weights are the same: in what a run computes and in what is computed once
  /// of weights alone, whose weights count too.
  @Test func everyNodeOfTheGraphCounts() throws {
    let place = FeaturePlace.memory(limit: 1 << 20)
    func computed(_ gain: Double, _ shift: Double, _ weights: String) throws -> Int {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 6])
      let code = graph.scope("encoder") {
        let w = graph.variable("w", shape: [6, 8])
        return tanh(matmul(x, w * gain) + shift)
      }
      let session = try quietSession(graph)
      let program = try session.compile(
        minimizing: square(Dense(2, name: "head")(code)).mean(), with: SGD(learningRate: 0.1),
        freezing: "encoder")
      try session.setValue(noise([6, 8], weights), of: "encoder/w")
      #expect(program.frozenBoundary().cut?.values.map(\.name) == ["encoder/tanh"])
      #expect(program.boundGraph.nodes.contains { $0.op.effect == .reads("encoder/w") })
      #expect(!program.graph.nodes.contains { $0.op.effect == .reads("encoder/w") })
      let features = try #require(
        try Caching.frozenFeatures(in: place).features(
          of: program, over: DataSet(["x": noise([5, 6])]), in: session))
      _ = try features.feeds(Array(0..<5))
      return features.computedCount
    }
    #expect(try computed(2, 0.5, "w") == 5)
    #expect(try computed(2, 0.5, "w") == 0)
    #expect(try computed(3, 0.5, "w") == 5, "what is computed once")
    #expect(try computed(2, 0.25, "w") == 5, "what a run computes")
    #expect(try computed(2, 0.5, "other") == 5, "a weight that is read once")
  }

  /// Of several columns that are read each counts, an example of each by itself.
  @Test(arguments: [0, 1]) func everyColumnCounts(_ column: Int) throws {
    let model = try CachingModel(.twoInputs)
    let place = FeaturePlace.memory(limit: 1 << 20)
    #expect(try computed(place, model) == 11)
    let changed = try model.data { columns in
      let array = columns[column].array
      var numbers = array.floats
      numbers[numbers.count / 11 * 7] += 1
      columns[column].array = try NDArray(numbers, shape: array.shape)
    }
    #expect(try computed(place, model, data: changed) == 1)
  }

  // MARK: Memory

  @Test func memoryMakesRoomByWhatIsOldest() throws {
    let model = try CachingModel(.dense)
    // 11 examples of 32 bytes: two groups fit, three do not.
    let place = FeaturePlace.memory(limit: 2 * 11 * 32 + 100)
    func weights(_ number: Int) throws -> Int {
      try computed(place, model) { try $0.setValue(noise([6, 8], "\(number)"), of: "encoder/dense/kernel") }
    }
    #expect(try [weights(0), weights(1), weights(1), weights(0)] == [11, 11, 0, 0])
    #expect(try weights(2) == 11)
    #expect(try weights(0) == 0)
    #expect(try weights(1) == 11)
  }

  // MARK: Folders

  private func files(_ url: URL) throws -> [URL] {
    try FileManager.default.subpathsOfDirectory(atPath: url.path).sorted()
      .filter { $0.hasSuffix(".features") }.map { url.appendingPathComponent($0) }
  }

  /// Every byte of a file, one after the other, turned over: never are other features used.
  @Test func damageIsNeverUsed() throws {
    let model = try CachingModel(.dense)
    try withFolder { url in
      let session = try model.session()
      let program = try model.program(session)
      let data = try model.data()
      func values() throws -> (NDArray, Int) {
        let features = try #require(
          try Caching.frozenFeatures(in: .folder(url.path)).features(of: program, over: data, in: session))
        return (try #require(try features.feeds(Array(0..<11)).entries.last?.array), features.computedCount)
      }
      let wanted = try values().0
      let file = try #require(try files(url).first)
      let whole = try Data(contentsOf: file)
      #expect(whole.count == 48 + 11 * (32 + 32 + 8))
      for position in stride(from: 0, to: whole.count, by: 7) {
        var bytes = whole
        bytes[position] ^= 0x40
        try bytes.write(to: file)
        let (found, computed) = try values()
        #expect(found.isBitwiseEqual(to: wanted), "byte \(position)")
        #expect(computed == (position < 48 ? 11 : 2), "byte \(position)")
        for other in try files(url) where other.lastPathComponent != file.lastPathComponent {
          try FileManager.default.removeItem(at: other)
        }
      }
      // Cut off anywhere, as by a process that was killed.
      for length in stride(from: 0, to: whole.count, by: 11) {
        try whole.prefix(length).write(to: file)
        let (found, computed) = try values()
        #expect(found.isBitwiseEqual(to: wanted), "\(length) bytes")
        let left = max(0, length - 48) / 72
        #expect(computed == 11 - left + (left > 0 ? Self.proof : 0), "\(length) bytes")
        for other in try files(url) where other.lastPathComponent != file.lastPathComponent {
          try FileManager.default.removeItem(at: other)
        }
      }
    }
  }

  /// Makes the last bit of a number in each record another one, as other kernels would: the checksums are right.
  private func makeOtherwise(_ file: URL) throws {
    var bytes = try [UInt8](Data(contentsOf: file))
    for start in stride(from: 48, to: bytes.count, by: 72) {
      bytes[start + 32] ^= 1
      let checksum = bytes[start..<start + 64].withUnsafeBytes(Checksum.value)
      withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(start + 64..<start + 72, with: $0) }
    }
    try Data(bytes).write(to: file)
  }

  /// Features that another build of Firn has made otherwise pass every checksum; one is computed to see.
  @Test func otherKernelsFeaturesAreFoundOut() throws {
    let model = try CachingModel(.dense)
    try withFolder { url in
      #expect(try computed(.folder(url.path), model) == 11)
      try makeOtherwise(#require(try files(url).first))
      var warnings: [String] = []
      #expect(try computed(.folder(url.path), model) { $0.onWarning = { warnings.append($0) } } == 12)
      #expect(warnings.count { $0.contains("another version") } == 1, "\(warnings)")
      #expect(try computed(.folder(url.path), model) == Self.proof)
    }
  }

  /// One file that is right speaks for no other: neither one's own nor another process's.
  @Test(arguments: [false, true]) func eachFileIsProvenByItself(_ isOwn: Bool) throws {
    let model = try CachingModel(.dense)
    let data = try model.data()
    let (wrong, right) = (Array(0..<6), Array(6..<11))
    func features(_ url: URL, _ warn: @escaping (String) -> Void) throws -> CachedFeatures {
      let session = try model.session()
      session.onWarning = warn
      return try #require(
        try Caching.frozenFeatures(in: .folder(url.path)).features(
          of: model.program(session), over: data, in: session))
    }
    func values(_ features: CachedFeatures, _ examples: [Int]) throws -> NDArray {
      try #require(try features.feeds(examples).entries.last?.array)
    }
    try withFolder { url in
      let wanted = try values(features(url) { _ in }, wrong)
      try makeOtherwise(#require(try files(url).first))
      var warnings: [String] = []
      let first = try features(url) { warnings.append($0) }
      _ = try values(first, right)
      #expect(first.computedCount == right.count && !warnings.contains { $0.contains("another version") })
      let second = isOwn ? first : try features(url) { warnings.append($0) }
      // What is right is met first.
      _ = try values(second, Array(right.prefix(2)))
      #expect(try values(second, right + wrong).rows(Array(5..<11)).isBitwiseEqual(to: wanted))
      #expect(warnings.count { $0.contains("another version") } == 1, "\(warnings)")
      // Nor does one that is wrong: what is right stays in use.
      #expect(second.computedCount == (isOwn ? right.count : Self.proof) + Self.proof + wrong.count)
      #expect(try files(url).count == (isOwn ? 1 : 2))
    }
  }

  /// Weights that are set while training goes on have features of their own in the folder, which are looked at too.
  @Test func otherWeightsFeaturesAreProvenToo() throws {
    let model = try CachingModel(.dense)
    let data = try model.data()
    let other = try noise([6, 8], "other")
    try withFolder { url in
      let session = try model.session()
      var warnings: [String] = []
      session.onWarning = { warnings.append($0) }
      func features() throws -> CachedFeatures {
        try #require(
          try Caching.frozenFeatures(in: .folder(url.path)).features(
            of: model.program(session), over: data, in: session))
      }
      func values(_ features: CachedFeatures) throws -> NDArray {
        try #require(try features.feeds(Array(0..<11)).entries.last?.array)
      }
      let plain = try session.value(of: "encoder/dense/kernel")
      try session.setValue(other, of: "encoder/dense/kernel")
      let wanted = try values(features())
      try makeOtherwise(#require(try files(url).first))
      try session.setValue(plain, of: "encoder/dense/kernel")
      let following = try features()
      _ = try values(following)
      #expect(warnings.allSatisfy { !$0.contains("another version") })
      try session.setValue(other, of: "encoder/dense/kernel")
      #expect(try values(following).isBitwiseEqual(to: wanted))
      #expect(warnings.count { $0.contains("another version") } == 1, "\(warnings)")
    }
  }

  /// Two that use one folder at the same time write files of their own and read whole records of each other.
  @Test func twoWritersShareAFolder() throws {
    let model = try CachingModel(.dense)
    try withFolder { url in
      let session = try model.session()
      let program = try model.program(session)
      let data = try model.data()
      func features() throws -> CachedFeatures {
        try #require(
          try Caching.frozenFeatures(in: .folder(url.path)).features(of: program, over: data, in: session))
      }
      let (one, two) = (try features(), try features())
      for start in stride(from: 0, to: 11, by: 3) {
        let batch = Array(start..<min(start + 3, 11))
        let (a, b) = (try one.feeds(batch), try two.feeds(batch.reversed()))
        #expect(a.entries.count == b.entries.count)
      }
      #expect(one.computedCount == 11 && two.computedCount == 11)
      #expect(try files(url).count == 2)
      let three = try features()
      _ = try three.feeds(Array(0..<11))
      #expect(three.computedCount == Self.proof)
      #expect(try files(url).count == 2)
    }
  }

  /// A folder that cannot be written costs a warning and the work, nothing else.
  @Test func unwritableFoldersCostTheWorkAlone() throws {
    let model = try CachingModel(.dense)
    try withFolder { url in
      let blocked = url.appendingPathComponent("file")
      try Data("x".utf8).write(to: blocked)
      var warnings: [String] = []
      func run(_ caching: Caching?) throws -> [String: NDArray] {
        let session = try model.session()
        session.onWarning = { warnings.append($0) }
        try Trainer(model.program(session), in: session).fit(
          model.data(), epochs: 2, batchSize: 4, caching: caching)
        return try session.everything()
      }
      let (plain, cached) = (try run(nil), try run(.frozenFeatures(in: .folder(blocked.path + "/features"))))
      for (name, value) in plain { #expect(cached[name]?.isBitwiseEqual(to: value) == true, "\(name)") }
      let own = warnings.filter { $0.contains("no more features are stored") }
      #expect(own.count == 1 && own[0].contains("cannot make the folder"), "\(warnings)")
    }
  }

  /// What is no file of features is let be.
  @Test func strangersInTheFolderAreLetBe() throws {
    let model = try CachingModel(.dense)
    try withFolder { url in
      #expect(try computed(.folder(url.path), model) == 11)
      let folder = try #require(try files(url).first).deletingLastPathComponent()
      for (name, text) in [("a.features", ""), ("b.features", "FIRNFEA1"), ("notes.txt", "hello")] {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
      }
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("d.features"), withIntermediateDirectories: true)
      #expect(try computed(.folder(url.path), model) == Self.proof)
      #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent("notes.txt").path))
    }
  }
}
