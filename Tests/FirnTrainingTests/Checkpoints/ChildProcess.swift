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

  /// - Parameters:
  ///   - before: shell words that come before the program: limits it is to have.
  ///   - isOrdinaryUser: whether it must not be root, to whom permissions mean nothing.
  init(
    _ program: String, _ arguments: [String], before: String = "", isOrdinaryUser: Bool = false, output: URL
  ) throws {
    _ = FileManager.default.createFile(atPath: output.path, contents: nil)
    self.output = output
    var file = Self.products.appendingPathComponent(program)
    var change = ""
    if isOrdinaryUser, geteuid() == 0 {
      change = Self.leavingRoot
      // Others need not be allowed where this package lies.
      let copy = output.appendingPathExtension("program")
      if !FileManager.default.fileExists(atPath: copy.path) {
        try FileManager.default.copyItem(at: file, to: copy)
      }
      file = copy
    }
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "\(before) exec \(change) \"$0\" \"$@\"", file.path] + arguments
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = process.standardOutput
    try process.run()
  }

  /// Shell words by which root runs a program as another user.
  private static var leavingRoot: String {
    #if canImport(Darwin)
      "chroot -u nobody -g nobody /"
    #else
      "chroot --userspec=65534:65534 /"
    #endif
  }

  /// What it has written so far.
  var text: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

  var isRunning: Bool { process.isRunning }

  /// Ends it without warning.
  func kill() {
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Sends it what Ctrl-C sends.
  func interrupt() { Foundation.kill(process.processIdentifier, SIGINT) }

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
