internal import FirnFiles

/// What the process is given to read, which can be read once.
final class StandardInput {
  private var isRead = false

  /// All of it; nil where it has been read.
  ///
  /// - Parameter goesOn: is asked with the first bytes whether the rest is wanted.
  func read(while goesOn: (Bytes) -> Bool) -> Bytes? {
    if isRead { return nil }
    isRead = true
    return StreamFile.read(0, while: goesOn)
  }
}
