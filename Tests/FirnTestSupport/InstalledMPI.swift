package import Foundation

/// An MPI with its launcher, for tests that start members of a world.
package struct InstalledMPI: Sendable, CustomStringConvertible {
  package var name: String
  package var launcher: [String]
  package var library: String
  package var environment: [String: String]

  package var description: String { name }

  /// `FIRN_MPIS` names a folder in which each `*.mpi` file has the lines `launcher`, `library`, `environment` (any
  /// number).
  package static let all: [InstalledMPI] = {
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

  private init(name: String, launcher: [String], library: String, environment: [String: String]) {
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

  /// What came of a program.
  package struct Run {
    package var status: Int32
    package var lines: [String]
    package var errors: String
  }

  /// A program under way.
  package final class Started {
    package let process = Process()
    private let output: URL
    private let errors: URL

    fileprivate init(_ words: [String], environment: [String: String]) throws {
      output = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
      errors = output.appendingPathExtension("errors")
      process.executableURL = URL(fileURLWithPath: words[0])
      process.arguments = Array(words.dropFirst())
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
      for url in [output, errors] { try Data().write(to: url) }
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: errors)
      process.standardInput = FileHandle.nullDevice
      try process.run()
    }

    deinit { for url in [output, errors] { try? FileManager.default.removeItem(at: url) } }

    /// What it has said so far.
    package var lines: [String] {
      get throws {
        try String(contentsOf: output, encoding: .utf8).split(separator: "\n").map(String.init)
      }
    }

    package func finish() throws -> Run {
      process.waitUntilExit()
      return Run(
        status: process.terminationStatus, lines: try lines,
        errors: try String(contentsOf: errors, encoding: .utf8))
    }
  }

  /// Starts a program of this package with so many members.
  package func start(
    _ members: Int, of program: String, _ arguments: [String], environment more: [String: String] = [:]
  ) throws -> Started {
    var environment = environment.merging(more) { $1 }
    if !library.isEmpty { environment["FIRN_MPI"] = library }
    return try Started(
      launcher + ["-n", "\(members)", Self.path(of: program)] + arguments, environment: environment)
  }

  package func run(
    _ members: Int, of program: String = "FirnWorldMember", _ arguments: String...,
    environment: [String: String] = [:]
  ) throws -> Run {
    try start(members, of: program, arguments, environment: environment).finish()
  }

  /// Runs a program of this package without a launcher.
  package static func runAlone(
    _ program: String = "FirnWorldMember", _ arguments: String..., environment: [String: String] = [:]
  ) throws -> Run {
    try Started([path(of: program)] + arguments, environment: environment).finish()
  }

  /// That a program was not built.
  package struct Missing: Error {
    package var program: String
  }

  private static func path(of program: String) throws -> String {
    var directory = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    for _ in 0..<5 {
      let found = directory.appendingPathComponent(program)
      if FileManager.default.isExecutableFile(atPath: found.path) { return found.path }
      directory.deleteLastPathComponent()
    }
    throw Missing(program: program)
  }
}
