import FirnFiles
import FirnFormats
import FirnGraph
import Foundation
import Testing

/// Files that want more memory than they have bytes, in a process whose memory the kernel counts.
@Suite(.serialized) struct HostileFileTests {
  /// `FIRN_HOSTILE=100000` for a long run.
  static let count = ProcessInfo.processInfo.environment["FIRN_HOSTILE"].flatMap { Int($0) } ?? 2000
  /// What any file may take beside twice its bytes.
  static let fixed = 32 << 20

  private func inFolder(_ body: (URL) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    try body(url)
  }

  @Test(.timeLimit(.minutes(30)), arguments: HostileFile.allCases)
  func openingTakesTwiceTheFile(_ kind: HostileFile) throws {
    try inFolder { folder in
      let process = try OpeningProcess()
      let small = folder.appendingPathComponent("small.npy")
      try Weights(source: "small", entries: [.init(name: "a", array: NDArray([1, 2] as [Float]))])
        .write(to: small.path)
      let base = try process.open(small.path)
      #expect(base.outcome == "accepted 1")
      let url = folder.appendingPathComponent(kind.name)
      var worst = 0
      for number in 0..<(Self.count / HostileFile.allCases.count + 1) {
        let bytes = kind.bytes(seed: UInt64(number) &* 0x1_0000_0001 &+ 7)
        try Data(bytes).write(to: url)
        let answer = try process.open(url.path)
        let extra = process.extra(of: answer, over: base, opening: bytes.count)
        worst = max(worst, extra)
        #expect(
          extra <= Self.fixed, "\(kind.rawValue) \(number), \(bytes.count) bytes, \(answer.outcome): \(extra)"
        )
        #expect(
          answer.outcome.hasPrefix("accepted") || answer.outcome == "refused parse"
            || answer.outcome == "refused file")
      }
      if Self.count > 2000 { print("\(kind.rawValue): at most \(worst) bytes beside twice the file") }
    }
  }

  /// What the generator packs is what it says: or the bombs would be duds.
  @Test(arguments: [[0x4E], [0x7D, 0x94], [0x29, 0x85, 0x30], [1, 2, 3, 4]] as [[UInt8]])
  func bombsAreWhatTheySay(_ pattern: [UInt8]) throws {
    for count in [4, 258, 1000, 100_000] {
      let packed = Deflating.packed([9, 8], repeating: pattern, count: count, tail: [7])
      let bytes = try Inflate.unpack(Bytes(copying: packed), count: count + 3, fault: FileFault("bomb"))
      let expected = [9, 8] + (0..<count).map { pattern[$0 % pattern.count] } + [7]
      #expect(bytes.withUnsafeBytes { $0.elementsEqual(expected) })
      if count == 100_000 { #expect(packed.count < 400) }
    }
  }

  /// Three gigabytes that are no weights and no graph: the first bytes tell.
  @Test(arguments: ["", "abc", "{\"a\": 1}", "PK", "\u{80}\u{2}", "   "])
  func wrongFilesAreNotReadToTheirEnd(_ beginning: String) throws {
    try inFolder { folder in
      let url = folder.appendingPathComponent("large")
      try Data(beginning.unicodeScalars.map { UInt8($0.value) }).write(to: url)
      let file = try FileHandle(forWritingTo: url)
      try file.truncate(atOffset: 3 << 30)
      try file.close()
      let process = try OpeningProcess()
      for line in [url.path, "graph \(url.path)"] {
        let clock = ContinuousClock()
        let start = clock.now
        let answer = try process.open(line)
        #expect(answer.outcome.hasPrefix("refused"), "\(answer.outcome)")
        #expect(answer.peak < 200 << 20 && start.duration(to: clock.now) < .seconds(5))
      }
    }
  }
}
