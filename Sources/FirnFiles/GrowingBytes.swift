package import FirnGraph
internal import Foundation

/// Bytes of which the number shows only as they come.
///
/// Growing moves them where they are not too many to be copied; more are mapped elsewhere by the system, so that two
/// copies of much never exist. What is reserved and not written takes no memory.
package final class GrowingBytes {
  private var start: UnsafeMutableRawPointer
  private var capacity: Int
  package private(set) var count = 0

  package init(capacity: Int = 1 << 12) {
    self.capacity = max(capacity, 1)
    guard let start = malloc(self.capacity) else { fatalError("no memory for \(capacity) bytes") }
    self.start = start
  }

  /// Room behind what is there, at least `extra` bytes.
  ///
  /// - Parameter limit: more than so many bytes will never be wanted.
  /// - Throws: `.invalidArgument` where the system has no memory for it.
  package func reserve(_ extra: Int, limit: Int = .max) throws(FirnError) {
    guard count + extra > capacity else { return }
    // Where the system promises no room ahead, what is wanted now is enough.
    if resize(max(count + extra, min(limit, capacity + capacity / 2))) || resize(count + extra) { return }
    throw FirnError(
      .invalidArgument, "there is no memory for \(count + extra) bytes",
      remedy: "free some, or raise the limit of this process")
  }

  private func resize(_ size: Int) -> Bool {
    guard let moved = realloc(start, max(size, 1)) else { return false }
    (start, capacity) = (moved, size)
    return true
  }

  /// All there is room for; the first ``count`` are written.
  package var buffer: UnsafeMutableRawBufferPointer { .init(start: start, count: capacity) }

  /// Counts bytes that were written behind the last.
  package func advance(_ written: Int) { count += written }

  /// The bytes so far, in place; nothing is to be added afterwards.
  package func bytes() -> Bytes {
    if count < capacity { _ = resize(count) }
    return Bytes(start, count: count, owner: self)
  }

  deinit { free(start) }
}
