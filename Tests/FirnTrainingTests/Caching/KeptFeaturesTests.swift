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

  /// Files of others are followed while they grow; a store's own is no other's.
  @Test func whatOthersAddIsTakenIn() throws {
    try withFolder { url in
      var digest = Digest()
      digest.add("group")
      let group = FeatureKey(&digest)
      func key(_ number: Int) -> FeatureKey {
        var digest = Digest()
        digest.add("\(number)")
        return FeatureKey(&digest)
      }
      func keep(_ store: FolderFeatures, _ numbers: [Int]) -> [Int]? {
        let bytes = numbers.flatMap { [UInt8](repeating: UInt8($0), count: 24) }
        return bytes.withUnsafeBytes { store.keep($0, under: numbers.map(key)) }
      }
      func read(_ store: FolderFeatures, _ number: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 255, count: 24)
        guard let record = store.record(of: key(number)),
          bytes.withUnsafeMutableBytes({ store.read(record, into: $0) })
        else { return nil }
        return bytes
      }
      let path = url.path + "/group"
      let one = FolderFeatures(path, group: group, recordSize: 24) { Issue.record("\($0)") }
      let two = FolderFeatures(path, group: group, recordSize: 24) { Issue.record("\($0)") }
      #expect(!one.isDoubtful && keep(one, [1, 2])?.count == 2)
      #expect(read(two, 1) == nil)
      two.lookAgain()
      #expect(two.isDoubtful && read(two, 2) == [UInt8](repeating: 2, count: 24))
      #expect(keep(one, [3])?.count == 1 && keep(two, [4])?.count == 1)
      for store in [one, two] {
        store.lookAgain()
        for number in 1...4 { #expect(read(store, number) == [UInt8](repeating: UInt8(number), count: 24)) }
      }
      // Its own file is not taken in as another's: what is kept has the number it had.
      let number = one.record(of: key(3))
      one.lookAgain()
      #expect(one.record(of: key(3)) == number)
      one.discard()
      #expect(!one.isDoubtful && read(one, 1) == nil)
      let files = try FileManager.default.contentsOfDirectory(atPath: path)
      #expect(files.count == 1, "\(files)")
    }
  }
}
