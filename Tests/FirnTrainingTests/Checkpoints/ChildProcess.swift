import Foundation
import Testing

/// A program of this package, run as a process of its own.
struct ChildProcess {
  private let process = Process()
  private let output: URL

  /// Where the products of this build are.
  private static var products: URL {
    #if canImport(Darwin)
      for bundle in Bundle.allBundles where bundle.bundlePath.hasSuffix(".xctest") {
        return bundle.bundleURL.deletingLastPathComponent()
      }
    #endif
    return Bundle.main.bundleURL
  }

  /// - Parameter before: shell words that come before the program: limits it is to have.
  init(_ program: String, _ arguments: [String], before: String = "", output: URL) throws {
    _ = FileManager.default.createFile(atPath: output.path, contents: nil)
    self.output = output
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      ["-c", "\(before) exec \"$0\" \"$@\"", Self.products.appendingPathComponent(program).path] + arguments
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = process.standardOutput
    try process.run()
  }

  /// What it has written so far.
  var text: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

  var isRunning: Bool { process.isRunning }

  /// Ends it without warning.
  func kill() {
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Waits for its end.
  func status() -> Int32 {
    process.waitUntilExit()
    return process.terminationStatus
  }
}

/// A folder that is gone when `body` is done.
func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let url = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url)
}
