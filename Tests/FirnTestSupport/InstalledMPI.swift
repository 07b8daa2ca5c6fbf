import Foundation
import Testing

/// An MPI with its launcher.
struct InstalledMPI: Sendable, CustomTestStringConvertible {
  var name: String
  var launcher: [String]
  var library: String
  var environment: [String: String]

  var testDescription: String { name }

  /// `FIRN_MPIS` names a folder in which each `*.mpi` file has the lines `launcher`, `library`, `environment` (any number).
  static let all: [InstalledMPI] = {
    let environment = ProcessInfo.processInfo.environment
    if let folder = environment["FIRN_MPIS"] {
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      return files.filter { $0.hasSuffix(".mpi") }.sorted().compactMap {
        InstalledMPI(file: "\(folder)/\($0)")
      }
    }
    let paths = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/mpiexec" }
    guard let launcher = paths.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
      return []
    }
    return [InstalledMPI(name: "mpiexec", launcher: [launcher], library: "", environment: [:])]
  }()

  init(name: String, launcher: [String], library: String, environment: [String: String]) {
    self.name = name
    self.launcher = launcher
    self.library = library
    self.environment = environment
  }

  private init?(file: String) {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
    self.init(name: URL(fileURLWithPath: file).lastPathComponent, launcher: [], library: "", environment: [:])
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      switch words.first {
      case "launcher": launcher = Array(words.dropFirst())
      case "library": library = words.dropFirst().joined(separator: " ")
      case "environment" where words.count == 3: environment[words[1]] = words[2]
      default: return nil
      }
    }
  }

  struct Run {
    var status: Int32
    var lines: [String]
    var errors: String
  }

  func run(_ members: Int, _ arguments: String..., environment more: [String: String] = [:]) throws -> Run {
    var environment = environment.merging(more) { $1 }
    if !library.isEmpty { environment["FIRN_MPI"] = library }
    return try Self.run(
      launcher + ["-n", "\(members)", Self.program().path] + arguments, environment: environment)
  }

  static func runAlone(environment: [String: String]) throws -> Run {
    try run([program().path], environment: environment)
  }

  private static func run(_ words: [String], environment: [String: String]) throws -> Run {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    let errors = output.appendingPathExtension("errors")
    defer { for url in [output, errors] { try? FileManager.default.removeItem(at: url) } }
    for url in [output, errors] { try Data().write(to: url) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return Run(
      status: process.terminationStatus,
      lines: try String(contentsOf: output, encoding: .utf8).split(separator: "\n").map(String.init),
      errors: try String(contentsOf: errors, encoding: .utf8))
  }

  private static func program() throws -> URL {
    var directory = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    for _ in 0..<5 {
      let program = directory.appendingPathComponent("FirnWorldMember")
      if FileManager.default.isExecutableFile(atPath: program.path) { return program }
      directory.deleteLastPathComponent()
    }
    return try #require(nil as URL?, "FirnWorldMember is not built")
  }
}
