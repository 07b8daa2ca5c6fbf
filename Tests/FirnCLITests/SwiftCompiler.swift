import FirnTestSupport
import Foundation

/// The toolchain's own compiler, against the modules that were built with these tests.
struct SwiftCompiler {
  private let compiler: String
  private let products: URL

  /// - Throws: where either is not found.
  init() throws {
    guard let compiler = InstalledProgram.path(of: "swiftc") else {
      throw Missing(what: "swiftc is not on the search path, so the pages' Swift cannot be checked")
    }
    // Where the test bundle lies among the products depends on the platform.
    var directory = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    for _ in 0..<5 {
      let modules = directory.appendingPathComponent("Modules")
      if FileManager.default.fileExists(atPath: modules.appendingPathComponent("Firn.swiftmodule").path) {
        self.compiler = compiler
        products = directory
        return
      }
      directory.deleteLastPathComponent()
    }
    throw Missing(what: "no folder above \(CommandLine.arguments[0]) has Modules/Firn.swiftmodule")
  }

  struct Missing: Error, CustomStringConvertible {
    var what: String
    var description: String { what }
  }

  /// The errors in `files`, by the places they name; empty where all of it type-checks.
  ///
  /// - Parameter isInPackage: whether the files may use what the package keeps for itself.
  func errors(in files: [String: String], isInPackage: Bool = false) throws -> String {
    try CommandLineRunner.withDirectory { directory in
      var paths: [String] = []
      for (name, source) in files.sorted(by: { $0.key < $1.key }) {
        paths.append("\(directory)/\(name)")
        try source.write(toFile: paths[paths.count - 1], atomically: true, encoding: .utf8)
      }
      let messages = directory + "/messages"
      _ = FileManager.default.createFile(atPath: messages, contents: nil)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: compiler)
      process.arguments =
        [
          "-typecheck", "-whole-module-optimization", "-parse-as-library", "-swift-version", "6",
          "-suppress-warnings", "-module-name", "Pages",
          "-I", products.appendingPathComponent("Modules").path,
        ] + (try moduleMaps().flatMap { ["-Xcc", "-fmodule-map-file=\($0)"] })
        + (isInPackage ? ["-package-name", Self.package] : []) + paths
      process.standardError = FileHandle(forWritingAtPath: messages)
      try process.run()
      process.waitUntilExit()
      let text = try String(contentsOfFile: messages, encoding: .utf8)
      if process.terminationStatus == 0 { return "" }
      return text.isEmpty ? "swiftc ended with status \(process.terminationStatus)" : text
    }
  }

  /// Those of the C targets, which the Swift modules read.
  private func moduleMaps() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: products.path).sorted()
      .map { products.appendingPathComponent("\($0)/module.modulemap").path }
      .filter { FileManager.default.fileExists(atPath: $0) }
  }

  /// As SwiftPM calls the package: by its folder.
  private static let package = URL(fileURLWithPath: CommandLineRunner.root).lastPathComponent.lowercased()
    .map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
}
