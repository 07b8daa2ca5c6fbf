import Foundation
import Testing

/// The program `FirnOpening`: it opens files where nothing else takes memory.
final class OpeningProcess {
  struct Answer {
    /// `accepted 3` or `refused parse`.
    var outcome: String
    /// The most bytes the process has had meanwhile.
    var peak: Int
  }

  private let process = Process()
  private let (input, output) = (Pipe(), Pipe())
  private var pending: [UInt8] = []
  /// Of the files that a mark is of.
  private var largest = 0

  /// - Parameter limit: is run in the shell that becomes the program: `ulimit -v 1000000`.
  init(under limit: String? = nil) throws {
    let program: URL = try #require(Self.program, "FirnOpening is not built")
    if let limit {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", limit + " && exec \"$0\"", program.path]
    } else {
      process.executableURL = program
    }
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  private static var program: URL? {
    // Products of one build stand in one directory; where the test bundle lies in it depends on the platform.
    var directory = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    for _ in 0..<5 {
      let program = directory.appendingPathComponent("FirnOpening")
      if FileManager.default.isExecutableFile(atPath: program.path) { return program }
      directory.deleteLastPathComponent()
    }
    return nil
  }

  /// The bytes that opening a file took beside twice the file, over what opening a small one took.
  func extra(of answer: Answer, over base: Answer, opening byteCount: Int) -> Int {
    #if canImport(Darwin)
      // The mark is that of all files so far.
      largest = max(largest, byteCount)
    #else
      largest = byteCount
    #endif
    return answer.peak - base.peak - 2 * largest
  }

  /// - Throws: where the process is no more.
  func open(_ path: String) throws -> Answer {
    try input.fileHandleForWriting.write(contentsOf: Data((path + "\n").utf8))
    while !pending.contains(0x0A) {
      let more = output.fileHandleForReading.availableData
      try #require(!more.isEmpty, "the process ended over \(path)")
      pending += more
    }
    let end = pending.firstIndex(of: 0x0A) ?? pending.endIndex
    let words = String(decoding: pending[..<end], as: UTF8.self).split(separator: " ")
    pending.removeSubrange(...end)
    let peak = try #require(words.last.flatMap { Int($0) })
    return Answer(outcome: words.dropLast().joined(separator: " "), peak: peak << 10)
  }
}
