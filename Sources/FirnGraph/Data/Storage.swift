/// Zeroed bytes, aligned to a cache line where they are more than a scalar's, and freed with the last reference, or bytes that something else owns.
///
/// Sendable by this invariant: whoever writes holds the only reference, or has been handed the storage for
/// writing by its single owner (a session, which is not Sendable itself). Borrowed bytes are never written.
package final class Storage: @unchecked Sendable {
  package static let alignment = 64
  /// Of so few bytes nothing is read but single elements; as aligned as any, they cost a fifth: graphs hold hundreds of
  /// thousands of scalars.
  private static let leastAligned = 16

  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int
  /// Whose bytes these are, where they are not the storage's own: a mapped file, for instance.
  package let owner: AnyObject?

  package init(byteCount: Int) {
    self.byteCount = byteCount
    let size = Swift.max(byteCount, 1)
    pointer = .allocate(
      byteCount: size, alignment: size <= Self.leastAligned ? Self.leastAligned : Self.alignment)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    owner = nil
  }

  /// Bytes to be read only, kept alive by `owner`.
  package init(borrowing pointer: UnsafeRawPointer, byteCount: Int, owner: AnyObject) {
    self.pointer = UnsafeMutableRawPointer(mutating: pointer)
    self.byteCount = byteCount
    self.owner = owner
  }

  package var isWritable: Bool { owner == nil }

  deinit { if isWritable { pointer.deallocate() } }
}
