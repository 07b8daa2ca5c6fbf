import FirnCompiler
import FirnFiles
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
@testable import FirnTraining
import Foundation
import Testing

/// What has features, who keeps them, and who sees what others have stored.
@Suite struct KeptFeaturesTests {
  /// Where a slice of the data is all that stands before the head, there is no work to save.
  @Test func whatSavesNoWorkIsNotCached() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 400])
    let few = graph.scope("encoder") { x.sliced(axis: 1, to: 4) }
    let loss = square(Dense(2, name: "head")(few)).mean()
    let session = try quietSession(graph)
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1))
    #expect(program.frozenBoundary().cut == nil)
    let fault = try error {
      _ = try Caching.frozenFeatures(in: .memory(limit: 1 << 20)).features(
        of: program, over: DataSet(["x": noise([7, 400], "x")]), in: session)
    }
    #expect(fault.message == "there are no frozen features to cache")
  }

  /// Data that need not be fed any more counts too: a few of many numbers are stored for little work.
  @Test func whatSparesDataIsCached() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 400])
    let few = graph.scope("encoder") { square(x.sliced(axis: 1, to: 4)) }
    let loss = square(Dense(2, name: "head")(few)).mean()
    let program = try quietSession(graph).compile(minimizing: loss, with: SGD(learningRate: 0.1))
    #expect(program.frozenBoundary().cut?.values.map(\.name) == ["encoder/square"])
  }

  // MARK: Memory

  /// Features that somebody trains by are not let go for others, who compute theirs each time and are told so once.
  @Test func whatIsInUseStays() throws {
    let model = try CachingModel(.dense)
    // 11 examples of 32 bytes: one group fits.
    let place = FeaturePlace.memory(limit: 11 * 32 + 100)
    func features(_ session: Session) throws -> CachedFeatures {
      try #require(
        try Caching.frozenFeatures(in: place).features(
          of: model.program(session), over: model.data(), in: session))
    }
    var warnings: [String] = []
    let (one, two) = (try model.session(), try model.session())
    two.onWarning = { warnings.append($0) }
    try two.setValue(noise([6, 8], "other"), of: "encoder/dense/kernel")
    let first = try features(one)
    _ = try first.feeds(Array(0..<11))
    let second = try features(two)
    for _ in 0..<2 {
      for start in [0, 5] { _ = try second.feeds(Array(start..<start + 5)) }
      _ = try first.feeds([3, 7])
    }
    #expect(first.computedCount == 11)
    #expect(second.computedCount == 20)
    #expect(warnings.count { $0.contains("no more features fit") } == 1, "\(warnings)")
  }

  // MARK: Folders

  private func key(_ text: String) -> FeatureKey {
    var digest = Digest()
    digest.add(text)
    return FeatureKey(&digest)
  }

  private func open(_ folder: URL, _ group: String = "group", recordSize: Int = 24) -> FolderFeatures {
    FolderFeatures(folder.path + "/group", group: key(group), recordSize: recordSize) {
      Issue.record("\($0)")
    }
  }

  /// Keeps records, each of a byte of its own.
  private func keep(_ store: FolderFeatures, _ numbers: [Int]) -> [Int]? {
    numbers.flatMap { [UInt8](repeating: UInt8($0), count: 24) }
      .withUnsafeBytes { bytes in store.keep(bytes, under: numbers.map { key("\($0)") }) }
  }

  private func read(_ store: FolderFeatures, _ number: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 255, count: 24)
    guard let record = store.record(of: key("\(number)")),
      bytes.withUnsafeMutableBytes({ store.read(record, into: $0) })
    else { return nil }
    return bytes
  }

  /// Files of others are followed while they grow; a store's own is no other's.
  @Test func whatOthersAddIsTakenIn() throws {
    try withFolder { url in
      let (one, two) = (open(url), open(url))
      #expect(keep(one, [1, 2])?.map(one.isDoubtful) == [false, false])
      #expect(read(two, 1) == nil)
      two.lookAgain()
      #expect(two.record(of: key("2")).map(two.isDoubtful) == true)
      #expect(read(two, 2) == [UInt8](repeating: 2, count: 24))
      #expect(keep(one, [3])?.count == 1 && keep(two, [4])?.count == 1)
      for store in [one, two] {
        store.lookAgain()
        for number in 1...4 { #expect(read(store, number) == [UInt8](repeating: UInt8(number), count: 24)) }
      }
      // Its own file is not taken in as another's: what is kept has the number it had.
      let number = one.record(of: key("3"))
      one.lookAgain()
      #expect(one.record(of: key("3")) == number)
      // Who is rejected is so with all that it has kept, and for good.
      let others = try #require(one.record(of: key("4")))
      #expect(one.isDoubtful(others))
      one.trustMaker(of: others)
      #expect(!one.isDoubtful(others))
      one.rejectMaker(of: others)
      one.lookAgain()
      #expect(read(one, 4) == nil && read(one, 1) == [UInt8](repeating: 1, count: 24))
      let files = try FileManager.default.contentsOfDirectory(atPath: url.path + "/group")
      #expect(files.count == 1, "\(files)")
    }
  }

  /// Whole records that change places while somebody has the file open are not taken one for the other.
  @Test func recordsAreKnownByTheirKeysWhenRead() throws {
    try withFolder { url in
      #expect(keep(open(url), [1, 2, 3]) == [0, 1, 2])
      let store = open(url)
      let folder = url.appendingPathComponent("group")
      let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder.path).first)
      let file = try FileHandle(forUpdating: folder.appendingPathComponent(name))
      let (start, size) = (48, 64)
      let bytes = try #require(try file.readToEnd())
      #expect(bytes.count == start + 3 * size)
      try file.seek(toOffset: UInt64(start))
      file.write(bytes[start + size..<start + 2 * size])
      file.write(bytes[start..<start + size])
      try file.close()
      #expect(read(store, 1) == nil && read(store, 2) == nil)
      #expect(read(store, 3) == [UInt8](repeating: 3, count: 24))
      // Who opens it now finds them where they are.
      for number in 1...3 { #expect(read(open(url), number) == [UInt8](repeating: UInt8(number), count: 24)) }
    }
  }

  /// Files of another group or of records of another size are none of a store's, wherever they lie.
  @Test func filesOfOtherGroupsAreLetBe() throws {
    try withFolder { url in
      #expect(keep(open(url), [1, 2])?.count == 2)
      for store in [open(url, "other"), open(url, recordSize: 25), open(url, recordSize: 64 + 24)] {
        #expect(store.record(of: key("1")) == nil)
      }
      #expect(open(url).record(of: key("1")) != nil)
    }
  }
}
