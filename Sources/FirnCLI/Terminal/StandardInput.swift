internal import FirnFiles
internal import FirnGraph

/// What the process is given to read, which can be read once.
final class StandardInput {
  private var isRead = false

  /// All of it; nil where it has been read.
  ///
  /// - Parameter goesOn: is asked with the first bytes whether the rest is wanted.
  /// - Throws: `.file` where it cannot be read.
  func read(while goesOn: (Bytes) -> Bool) throws(FirnError) -> Bytes? {
    if isRead { return nil }
    isRead = true
    return try StreamFile.read(0, named: InputFile.standardInput, while: goesOn)
  }
}
