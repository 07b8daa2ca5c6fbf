import FirnFormats
import FirnGraph
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// What becomes of the files of a folder, whatever is saved in it.
@Suite struct CheckpointFolderTests {
  private let adam = Adam()

  private func trained(_ graph: Graph, _ loss: Tensor) throws -> (session: Session, program: Program) {
    let session = try quietSession(graph)
    return (session, try session.compile(minimizing: loss, with: adam))
  }

  private func name(_ step: Int, _ beginning: String = "step") -> String {
    beginning + "-" + String(repeating: "0", count: 12 - String(step).count) + "\(step).safetensors"
  }

  private func files(_ url: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
  }

  /// What is written but could not be read takes no other's place, and no older one goes for it.
  @Test func unreadableCheckpointsReplaceNothing() throws {
    let model = try Chain()
    let (session, program) = try trained(model.graph, model.loss)
    let graph = Graph()
    let (odd, oddProgram) = try trained(graph, graph.variable("__metadata__", shape: [2]).sum())
    try withFolder { url in
      let folder = try CheckpointFolder(url.path, keepingLast: 1)
      try folder.save(session, running: program, step: 4)
      let before = try Data(contentsOf: url.appendingPathComponent(name(4)))
      for step in [4, 5] {
        #expect(throws: FirnError.self) { try folder.save(odd, running: oddProgram, step: step) }
        #expect(try files(url) == [name(4)])
        #expect(try Data(contentsOf: url.appendingPathComponent(name(4))) == before)
      }
    }
  }

  /// A run that goes back abandons what is of later steps; that is set aside until it has come as far.
  @Test func abandonedStepsAreSetAside() throws {
    let model = try Chain()
    let (session, program) = try trained(model.graph, model.loss)
    try withFolder { url in
      let folder = try CheckpointFolder(url.path, keepingLast: 2)
      func save(_ steps: [Int]) throws {
        for step in steps { try folder.save(session, running: program, step: step) }
      }
      try save([8, 9, 10])
      #expect(try folder.steps() == [9, 10])
      try save([3])
      #expect(try folder.steps() == [3] && folder.latest()?.step == 3)
      try save([4, 5, 6])
      #expect(try folder.steps() == [5, 6] && folder.latest()?.step == 6)
      #expect(try files(url) == [name(9, "abandoned"), name(10, "abandoned"), name(5), name(6)].sorted())
      #expect(try Checkpoint(contentsOf: url.path + "/" + name(10, "abandoned")).step == 10)
      try save([9])
      #expect(try files(url) == [name(10, "abandoned"), name(6), name(9)])
      try save([10])
      #expect(try files(url) == [name(9), name(10)])
    }
  }

  /// Opening to read removes nothing; the first save removes what nobody is writing any more.
  @Test func temporariesOfTheLivingStay() throws {
    let model = try Chain()
    let (session, program) = try trained(model.graph, model.loss)
    try withFolder { url in
      let living = name(9) + ".\(ProcessInfo.processInfo.processIdentifier)-1.tmp"
      let (dead, old) = (name(9) + ".2147483646-1.tmp", name(9) + ".1-1.tmp")
      let foreign = "notes.safetensors.txt.tmp"
      for name in [living, dead, old, foreign] {
        let path = url.appendingPathComponent(name).path
        #expect(FileManager.default.createFile(atPath: path, contents: Data([1])))
      }
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -3600)],
        ofItemAtPath: url.appendingPathComponent(old).path)
      let folder = try CheckpointFolder(url.path)
      #expect(try folder.latest() == nil)
      #expect(try files(url) == [living, dead, old, foreign].sorted())
      try folder.save(session, running: program, step: 1)
      #expect(try files(url) == [foreign, name(1), living].sorted())
    }
  }

  @Test func damagedBestIsReplaced() throws {
    let model = try Chain()
    let (session, program) = try trained(model.graph, model.loss)
    try withFolder { url in
      let folder = try CheckpointFolder(url.path)
      try folder.save(session, running: program, step: 1, metric: 1)
      try Data([1, 2, 3]).write(to: url.appendingPathComponent("best.safetensors"))
      var warnings: [String] = []
      session.onWarning = { warnings.append($0) }
      try folder.save(session, running: program, step: 2, metric: 2)
      #expect(warnings.count == 1 && warnings[0].contains("best.safetensors"), "\(warnings)")
      #expect(try folder.best()?.step == 2)
      try folder.save(session, running: program, step: 3, metric: 3)
      #expect(try folder.best()?.step == 2 && warnings.count == 1)
    }
  }

  /// The best is digested when it is another file than before, not at each save.
  @Test func theBestIsReadOnceUntilItChanges() throws {
    let model = try Chain()
    let (session, program) = try trained(model.graph, model.loss)
    try withFolder { url in
      let folder = try CheckpointFolder(url.path)
      let best = url.appendingPathComponent("best.safetensors").path
      var warnings: [String] = []
      session.onWarning = { warnings.append($0) }
      func rest(since seconds: Double) throws {
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: best)
      }
      try folder.save(session, running: program, step: 1, metric: 1)
      try rest(since: 1_000_000)
      // It is another one now, and is read.
      try folder.save(session, running: program, step: 2, metric: 2)
      let handle = try #require(FileHandle(forWritingAtPath: best))
      try handle.seekToEnd()
      try handle.seek(toOffset: try handle.offset() - 1)
      try handle.write(contentsOf: Data([0xAA]))
      try handle.close()
      // Damaged, with the marks of what was read.
      try rest(since: 1_000_000)
      try folder.save(session, running: program, step: 3, metric: 3)
      #expect(warnings.isEmpty)
      try rest(since: 2_000_000)
      try folder.save(session, running: program, step: 4, metric: 4)
      #expect(warnings.count == 1 && warnings[0].contains("best.safetensors"), "\(warnings)")
      #expect(try folder.best()?.step == 4)
    }
  }

  @Test func onlyItsOwnNamesAreSteps() throws {
    let model = try Chain()
    let (session, program) = try trained(model.graph, model.loss)
    try withFolder { url in
      let folder = try CheckpointFolder(url.path, keepingLast: 1)
      #expect(try error { try folder.save(session, running: program, step: -4) }.code == .invalidArgument)
      #expect(try files(url).isEmpty)
      for other in ["step-5.safetensors", "step-+00000000006.safetensors"] {
        #expect(
          FileManager.default.createFile(atPath: url.appendingPathComponent(other).path, contents: nil))
      }
      #expect(try folder.steps().isEmpty)
      try folder.save(session, running: program, step: 0)
      #expect(try folder.steps() == [0] && folder.latest()?.step == 0)
    }
  }
}
