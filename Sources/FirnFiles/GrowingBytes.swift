internal import Foundation
package import FirnGraph

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
  package func reserve(_ extra: Int, limit: Int = .max) {
    guard count + extra > capacity else { return }
    resize(max(count + extra, min(limit, capacity + capacity / 2)))
  }

  private func resize(_ size: Int) {
    guard let moved = realloc(start, max(size, 1)) else { fatalError("no memory for \(size) bytes") }
    (start, capacity) = (moved, size)
  }

  /// All there is room for; the first ``count`` are written.
  package var buffer: UnsafeMutableRawBufferPointer { .init(start: start, count: capacity) }

  /// Counts bytes that were written behind the last.
  package func advance(_ written: Int) { count += written }

  /// The bytes so far, in place; nothing is to be added afterwards.
  package func bytes() -> Bytes {
    if count < capacity { resize(count) }
    return Bytes(start, count: count, owner: self)
  }

  deinit { free(start) }
}

/// Reads what is no file on a disk: pipes, devices, the standard input.
package enum StreamFile {
  /// All that a descriptor gives until its end; what was read where it fails.
  ///
  /// - Parameter goesOn: is asked once, with the first bytes, whether the rest is wanted.
  package static func read(_ descriptor: Int32, while goesOn: (Bytes) -> Bool = { _ in true }) -> Bytes {
    read(descriptor, patience: 0, while: goesOn) ?? Bytes(copying: [])
  }

  /// All that the pipe or device at `path` gives.
  ///
  /// - Parameter goesOn: is asked once, with the first bytes, whether the rest is wanted.
  /// - Throws: `.file` where it cannot be opened, or nobody begins to write within ten seconds to a pipe with a name.
  package static func read(
    _ path: String, while goesOn: (Bytes) -> Bool = { _ in true }
  ) throws(FirnError) -> Bytes {
    let descriptor = Platform.openForReading(path)
    guard descriptor >= 0 else {
      throw FirnError(
        .file, "cannot read '\(path)': \(Platform.reason)", remedy: "check the path and its permissions")
    }
    defer { Platform.close(descriptor) }
    // What a shell makes of `<(…)` has a writer from the beginning: nothing to read is its end.
    let isNamed = Platform.kind(of: path) == .pipe && !path.hasPrefix("/dev/") && !path.hasPrefix("/proc/")
    guard
      let bytes = read(descriptor, patience: isNamed ? WritingPlace.patience : 0, while: goesOn)
    else {
      throw FirnError(
        .file, "nobody writes to '\(path)', a pipe", remedy: "start what writes to it first, or name a file")
    }
    return bytes
  }

  /// How much is looked at before the rest is read.
  private static let beginning = 1 << 16

  private static func read(
    _ descriptor: Int32, patience: Double, while goesOn: (Bytes) -> Bool
  ) -> Bytes? {
    let bytes = GrowingBytes(capacity: beginning)
    func next() -> Platform.Reading {
      bytes.reserve(beginning)
      let reading = Platform.read(
        descriptor, into: UnsafeMutableRawBufferPointer(rebasing: bytes.buffer[bytes.count...]))
      if case .bytes(let count) = reading { bytes.advance(count) }
      return reading
    }
    // The end of a pipe that nobody has opened to write looks like that of one that is done.
    if patience > 0 {
      let first = Platform.retrying(for: patience) { () -> Platform.Reading? in
        let reading = next()
        if case .end = reading { return nil }
        return reading
      }
      guard first != nil else { return nil }
    }
    Platform.setWaiting(descriptor)
    var isAsked = false
    while true {
      if !isAsked, bytes.count >= beginning {
        isAsked = true
        let seen = Bytes(copying: bytes.buffer[..<beginning].map { $0 })
        if !goesOn(seen) { break }
      }
      if case .end = next() { break }
    }
    return bytes.bytes()
  }
}
