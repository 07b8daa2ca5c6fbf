internal import FirnFiles
internal import FirnGraph
internal import Foundation

/// What a drawing is written as.
enum DrawingFormat: String, CaseIterable {
  /// Graphviz's text, which Firn writes by itself.
  case dot
  case svg
  case png

  /// As asked for, else what the ending of the file says; text where it has none.
  ///
  /// - Throws: `UsageError` for an ending of something else, also of a format that Graphviz alone has.
  init(_ name: String?, target: String?) throws(UsageError) {
    if let format = name.flatMap(DrawingFormat.init(rawValue:)) {
      self = format
      return
    }
    let parts = target?.split(separator: "/").last?.split(separator: ".") ?? []
    let ending = parts.count > 1 ? parts[parts.count - 1].lowercased() : DrawingFormat.dot.rawValue
    if ["gv", "txt"].contains(ending) {
      self = .dot
    } else if let format = DrawingFormat(rawValue: ending) {
      self = format
    } else {
      throw UsageError(
        "firn dot", "'\(target ?? "")' has no ending of a drawing",
        remedy: "write to a name that ends in .dot, .gv, .txt, .svg or .png, or say by --format what it is")
    }
  }

  /// Writes a drawing to a file, or to the shell where no path is given.
  ///
  /// - Throws: `.file` where Graphviz is needed and is not there or fails, or the file cannot be written.
  func write(_ drawing: String, to path: String?, in shell: Shell) throws {
    guard self != .dot else {
      if let path { try TextFile.write(drawing, to: path) } else { shell.output(drawing) }
      return
    }
    let picture = try Graphviz.installed(for: self).run(drawing, as: self)
    if let path {
      try AtomicFile.write(to: path) { (file) throws(FirnError) in try file.write(picture) }
    } else if self == .svg {
      shell.output(String(decoding: picture, as: UTF8.self))
    } else {
      throw UsageError(
        "firn dot", "a PNG picture is no text for standard output", remedy: "give --out FILE.png")
    }
  }
}

/// The program `dot` of Graphviz, where it is installed.
struct Graphviz {
  private let path: String

  /// - Parameter searchPath: directories, as `PATH` lists them.
  /// - Throws: `.file` with where to get it, where none of them has it.
  static func installed(
    for format: DrawingFormat, searching searchPath: String = Platform.environment("PATH") ?? ""
  ) throws(FirnError) -> Graphviz {
    for directory in searchPath.split(separator: ":") {
      let path = String(directory) + "/dot"
      if FileManager.default.isExecutableFile(atPath: path), Platform.kind(of: path) == .file {
        return Graphviz(path: path)
      }
    }
    throw FirnError(
      .file, "\(format.rawValue) pictures are made by Graphviz, whose `dot` is not in PATH",
      remedy: "install it (graphviz.org), or write --format dot and draw that elsewhere")
  }

  private init(path: String) { self.path = path }

  /// The picture that Graphviz makes of a drawing.
  func run(_ drawing: String, as format: DrawingFormat) throws(FirnError) -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let picture = folder.appendingPathComponent("picture")
    do {
      // Through files: a pipe that neither side reads stops both.
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let source = folder.appendingPathComponent("graph.dot")
      try TextFile.write(drawing, to: source.path)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = ["-T" + format.rawValue, "-o", picture.path, source.path]
      let errors = Pipe()
      process.standardError = errors
      try process.run()
      let said = errors.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      guard process.terminationStatus == 0, let bytes = try? Data(contentsOf: picture) else {
        let reason = String(decoding: said, as: UTF8.self).split(separator: "\n").first.map(String.init)
        throw FirnError(
          .file, "Graphviz made no picture: \(reason ?? "exit code \(process.terminationStatus)")",
          remedy: "write --format dot and look at what '\(path)' says of it")
      }
      return Array(bytes)
    } catch let error as FirnError {
      throw error
    } catch {
      throw FirnError(
        .file, "cannot run '\(path)': \(FileReason.words(error))", remedy: "write --format dot instead")
    }
  }
}
