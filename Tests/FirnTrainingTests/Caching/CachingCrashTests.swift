import FirnGraph
import FirnRuntime
import Foundation
import Testing

/// Processes that die while they store features, disks that fill up: what is trained then has the same bits.
///
/// The example `CachedFeatures` is the subject.
@Suite(.serialized) struct CachingCrashTests {
  private func run(_ arguments: [String], before: String = "", output: URL) throws -> String {
    let child = try ChildProcess("CachedFeatures", arguments, before: before, output: output)
    #expect(child.status() == 0, "\(child.text)")
    return child.text
  }

  private func head(_ text: String) throws -> Substring {
    try #require(text.split(separator: "\n").last { $0.hasPrefix("head ") })
  }

  private func bytes(_ folder: URL) throws -> Int {
    try FileManager.default.subpathsOfDirectory(atPath: folder.path).reduce(0) { sum, path in
      let attributes = try FileManager.default.attributesOfItem(
        atPath: folder.appendingPathComponent(path).path)
      return sum
        + (attributes[.type] as? FileAttributeType == .typeRegular ? attributes[.size] as? Int ?? 0 : 0)
    }
  }

  /// Killed at random moments of the first epoch, when features are written: a handful of times, or `FIRN_KILLS` times.
  @Test func killedProcessesLeaveNothingWrong() throws {
    let environment = ProcessInfo.processInfo.environment
    let wanted = environment["FIRN_KILLS"].flatMap(Int.init) ?? 6
    let seed = environment["FIRN_SEED"].flatMap { UInt64($0) } ?? .random(in: .min ... .max)
    print("moments of seed \(seed); FIRN_SEED=\(seed) repeats them")
    let moments = Philox(seed: seed, name: "moments")
    try withFolder { url in
      let output = url.appendingPathComponent("output")
      let plain = try head(run([], output: output))
      var (kills, starts) = (0, 0)
      while kills < wanted, starts < 10 * wanted {
        starts += 1
        // Most start with what those before have left; now and then with nothing.
        let folder = url.appendingPathComponent("features\(starts / 5)")
        let child = try ChildProcess("CachedFeatures", [folder.path, "1000000"], output: output)
        for _ in 0..<20_000 where child.isRunning && !child.text.contains("step 1\n") { usleep(500) }
        usleep(moments.bits(starts) % 20_000)
        guard child.isRunning else { continue }
        child.kill()
        kills += 1
        #expect(try head(run([folder.path], output: output)) == plain)
      }
      #expect(kills == wanted)
    }
  }

  /// A disk that is full, as files may not grow beyond four kibibytes here: training goes on, to the same bits.
  @Test func fullDisksCostTheWorkAlone() throws {
    try withFolder { url in
      let output = url.appendingPathComponent("output")
      let plain = try head(run([], output: output))
      let folder = url.appendingPathComponent("features")
      let full = try run([folder.path], before: "trap '' XFSZ; ulimit -f 8;", output: output)
      #expect(try head(full) == plain)
      let left = try bytes(folder)
      #expect(left > 0 && left <= 4096)
      #expect(try head(run([folder.path], output: output)) == plain)
      #expect(try bytes(folder) > 4096)
    }
  }

  /// Each instruction set has features of its own, as the last bits of sums may differ.
  @Test func instructionSetsShareNoFeatures() throws {
    try withFolder { url in
      let output = url.appendingPathComponent("output")
      let folder = url.appendingPathComponent("features")
      for isa in ["portable", nil] {
        let before = isa.map { "export FIRN_ISA=\($0);" } ?? ""
        let plain = try head(run([], before: before, output: output))
        for _ in 0..<2 { #expect(try head(run([folder.path], before: before, output: output)) == plain) }
      }
      let groups = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(groups.count == (Session.instructionSet == "portable" ? 1 : 2), "\(groups)")
    }
  }

  /// Two at once.
  @Test func twoProcessesShareAFolder() throws {
    try withFolder { url in
      let plain = try head(run([], output: url.appendingPathComponent("output")))
      let folder = url.appendingPathComponent("features")
      let children = try (0..<2).map {
        try ChildProcess("CachedFeatures", [folder.path], output: url.appendingPathComponent("output\($0)"))
      }
      for child in children {
        #expect(child.status() == 0)
        #expect(try head(child.text) == plain)
      }
    }
  }
}
