/// What the process is given to read, which can be read once.
final class StandardInput {
  private var isRead = false

  /// All of it; nil where it has been read.
  func read() -> [UInt8]? {
    if isRead { return nil }
    isRead = true
    return Platform.readAll(0)
  }
}
