/// Zeroed bytes aligned to a cache line, freed with the last reference.
///
/// Sendable by this invariant: whoever writes holds the only reference, or has been handed the storage for
/// writing by its single owner (a session, which is not Sendable itself).
package final class Storage: @unchecked Sendable {
  package static let alignment = 64

  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int

  package init(byteCount: Int) {
    self.byteCount = byteCount
    let size = Swift.max(byteCount, 1)
    pointer = .allocate(byteCount: size, alignment: Self.alignment)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: size)
  }

  deinit { pointer.deallocate() }
}
