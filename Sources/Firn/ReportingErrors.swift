internal import FirnFiles
internal import FirnGraph
internal import Foundation

/// Runs the body of a program; an error it throws ends the process with its message and status 1.
///
/// Swift itself ends a program whose top level throws as one that has crashed: with a trap and, on some systems, the state of every
/// thread. That a file is missing is no crash, so a program that people start is best written as
///
/// ```swift
/// reportingErrors {
///   let weights = try Weights(contentsOf: "model.safetensors")
///   print(weights)
/// }
/// ```
///
/// The message goes to standard error: a ``FirnError`` as it prints, another error as `error: ` and what it says of itself. What `body`
/// defers is done before.
///
/// - Parameter body: the program, from the first line that may fail to the last.
public func reportingErrors(_ body: () throws -> Void) {
  do {
    try body()
  } catch {
    // Where nobody reads it, the status still says it.
    try? FileHandle.standardError.write(contentsOf: Data((ErrorText.of(error) + "\n").utf8))
    exit(1)
  }
}

/// An error as people read it.
enum ErrorText {
  static func of(_ error: any Error) -> String {
    if let error = error as? FirnError { return PlainText.styledLines(error.description) }
    return "error: " + PlainText.styledLines(words(error))
  }

  private static func words(_ error: any Error) -> String {
    // Foundation has no more than this code for a path through what is no directory.
    if let error = error as? CocoaError, error.code == .fileWriteUnknown, let path = error.filePath {
      return FileReason.words(error, making: path)
    }
    // What comes of Foundation, or has words for people; a type of Swift has its own description alone.
    let hasWords =
      error is any LocalizedError || error is any CustomNSError || type(of: error) is NSError.Type
    return hasWords ? FileReason.words(error) : "\(error)"
  }
}
