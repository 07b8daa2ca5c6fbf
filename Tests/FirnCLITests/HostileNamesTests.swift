import FirnFormats
import FirnGraph
import Foundation
import Testing

@testable import FirnCLI

/// Names that a file made up reach neither a terminal nor an error's text as what a terminal obeys.
@Suite struct HostileNamesTests {
  /// A title for the window, a cleared screen, eight-bit control, and every turn of direction.
  static let name =
    "a\u{1B}]0;owned\u{7}\u{1B}[2J\u{9B}31m\u{202E}b\u{2066}c\u{2069}\u{200F}\u{61C}\r\u{2028}d\u{7F}"

  private func obeyed(_ text: String) -> [String] {
    text.unicodeScalars.filter { $0 != "\n" && PlainText.isObeyed($0) }.map { String($0.value, radix: 16) }
  }

  private func files(_ directory: String) throws {
    let array = NDArray([1, .infinity] as [Float])
    let entries = [WeightEntry(name: Self.name, array: array), WeightEntry(name: "plain", array: array)]
    let metadata = [Weights.Metadata(key: Self.name, value: Self.name)]
    try Weights(source: "test", entries: entries, metadata: metadata).write(to: directory + "/a.safetensors")
    try Weights(source: "test", entries: [entries[0]]).write(to: directory + "/b.npz")
    // Cut within the tensor, so that an error is about it.
    let whole = try Data(contentsOf: URL(fileURLWithPath: directory + "/a.safetensors"))
    try whole.dropLast(12).write(to: URL(fileURLWithPath: directory + "/cut.safetensors"))
    try Data("firn 1\n\(Self.name.filter { $0 != "\r" }) = \(Self.name)\n".utf8)
      .write(to: URL(fileURLWithPath: directory + "/a.firn"))
    try Data("\(Self.name)\n".utf8).write(to: URL(fileURLWithPath: directory + "/b.firn"))
  }

  private static let lines = [
    "weights a.safetensors", "weights a.safetensors --json", "weights cut.safetensors", "weights b.npz",
    "weights diff a.safetensors b.npz", "weights diff a.safetensors b.npz --json",
    "weights convert a.safetensors c.npz", "weights convert a.safetensors c.npz --json",
    "weights a.safetensors --select zzz", "inspect a.firn", "inspect b.firn", "dot a.firn", "weights a.firn",
    "weights b.firn", "inspect a.safetensors",
  ]

  @Test(arguments: [false, true])
  func namesDoNotCommandATerminal(_ isInteractive: Bool) throws {
    try CommandLineRunner.withDirectory { directory in
      try files(directory)
      let model = CommandLineRunner.root + "/Examples/Graphs/custom-cell.firn"
      let others = [
        ["inspect", model, "--weights", "a.safetensors"], ["lint", model, "--weights", "b.npz"],
      ]
      for words in Self.lines.map(CommandLineRunner.words) + others + [["weights", Self.name], [Self.name]] {
        let result = CommandLineRunner.run(
          words, in: directory, terminal: Terminal(isInteractive: isInteractive, width: 80))
        #expect(obeyed(result.output) == [], "\(words): \(result.output.debugDescription)")
        #expect(obeyed(result.errors) == [], "\(words): \(result.errors.debugDescription)")
        #expect(result.output.count + result.errors.count > 0)
      }
    }
  }

  /// JSON still has the name itself.
  @Test func programsGetTheNameAsItIs() throws {
    try CommandLineRunner.withDirectory { directory in
      try files(directory)
      let result = CommandLineRunner.run(["weights", "a.safetensors", "--json"], in: directory)
      let overview = try JSONDecoder().decode(WeightsOverview.self, from: Data(result.output.utf8))
      #expect(overview.tensors[0].name == Self.name && overview.metadata[0].value == Self.name)
    }
  }

  /// A value's own text and the error of a program that has no command around it.
  @Test func textsOfValuesAreClean() throws {
    try CommandLineRunner.withDirectory { directory in
      try files(directory)
      let weights = try Weights(contentsOf: directory + "/a.safetensors")
      #expect(obeyed(weights.description) == [])
      for body in [
        { _ = try Weights(contentsOf: directory + "/cut.safetensors") },
        { _ = try GraphDef(contentsOfFile: directory + "/a.firn") },
        { _ = try weights.below("nothing") },
        {
          throw FirnError(
            .parse, "`\(Self.name)`", remedy: Self.name, place: Self.name,
            operands: [
              .init(label: "left", name: Self.name, type: nil)
            ])
        },
      ] as [() throws -> Void] {
        let error = try #require(throws: FirnError.self, performing: body)
        #expect(obeyed(error.description) == [] && obeyed(error.message) == [])
        #expect(obeyed(error.remedy ?? "") == [])
      }
    }
  }

  // MARK: What is said

  @Test func hugeNumbersHaveFiniteStatistics() throws {
    try CommandLineRunner.withDirectory { directory in
      let values = [Double.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .greatestFiniteMagnitude, 1]
      let small = [Double.infinity, -.infinity, .nan]
      try Weights(
        source: "test",
        entries: [
          .init(name: "a", array: NDArray(values)), .init(name: "b", array: NDArray(small)),
          .init(name: "c", array: NDArray([1, 2, 3, 6] as [Double])),
        ]
      ).write(to: directory + "/a.npz")
      let result = CommandLineRunner.run(["weights", "a.npz", "--json"], in: directory)
      #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
      let rows = try JSONDecoder().decode(WeightsOverview.self, from: Data(result.output.utf8)).tensors
      let first = try #require(rows[0].statistics)
      #expect(first.mean == .greatestFiniteMagnitude / 4)
      #expect(try #require(first.deviation) > 1e308)
      #expect(rows[1].statistics?.mean == nil && rows[1].statistics?.infinite == 2)
      #expect(rows[2].statistics?.mean == 3 && rows[2].statistics?.deviation == 3.5.squareRoot())
    }
  }

  @Test func anArchiveOfObjectsSaysSo() throws {
    try CommandLineRunner.withDirectory { directory in
      let fixture = CommandLineRunner.root + "/Tests/FirnFormatsTests/Fixtures/weights/refused-object.npy"
      let object = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture)))
      try Data(Self.stored("a.npy", object)).write(to: URL(fileURLWithPath: directory + "/a.npz"))
      let result = CommandLineRunner.run(["weights", "a.npz"], in: directory)
      #expect(result.code == 1 && result.errors.contains("holds no array that Firn can read"))
      #expect(
        result.errors.contains("Python objects") && !result.errors.contains("neither"), "\(result.errors)")
    }
  }

  /// A zip file of one stored member.
  private static func stored(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
    func little<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    let checksum = bytes.withUnsafeBytes { CyclicRedundancyCheck.zip.checksum($0) }
    let common =
      [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0] + little(checksum) + little(UInt32(bytes.count))
      + little(UInt32(bytes.count)) + little(UInt16(name.utf8.count)) + [0, 0]
    let member = [0x50, 0x4B, 3, 4] + common + Array(name.utf8) + bytes
    let directory =
      [0x50, 0x4B, 1, 2, 20, 0] + common + [UInt8](repeating: 0, count: 14) + Array(name.utf8)
    return member + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0] + little(UInt32(directory.count))
      + little(UInt32(member.count)) + [0, 0]
  }

  /// More axes than NumPy has: an error, and no file.
  @Test(arguments: ["a.npy", "a.npz"]) func tooManyAxesAreAnError(_ name: String) throws {
    try CommandLineRunner.withDirectory { directory in
      for (axes, isWritten) in [(64, true), (65, false), (21_818, false)] {
        let array = try NDArray(zeros: [Int](repeating: 1, count: axes), dtype: .f32)
        let weights = try Weights(source: "test", entries: [.init(name: "a", array: array)])
        if isWritten {
          try weights.write(to: directory + "/" + name)
          #expect(try Weights(contentsOf: directory + "/" + name)["a"]?.shape.count == axes)
          try FileManager.default.removeItem(atPath: directory + "/" + name)
        } else {
          let error = #expect(throws: FirnError.self) { try weights.write(to: directory + "/" + name) }
          #expect(error?.code == .invalidArgument && error?.message.contains("\(axes) axes") == true)
          #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
        }
      }
    }
  }

  /// The last line of what was done in one step says that it is done.
  @Test func theLastLineOfProgressIsTheEnd() {
    var written: [String] = []
    let reporter = ProgressReporter("reading", total: 300, style: .lines, write: { written.append($0) })
    reporter.finish(completed: 300, message: "MiB")
    #expect(written.count == 1 && written[0].hasPrefix("reading: 100%, 300/300"), "\(written)")
  }
}
