package import FirnGraph

/// Bytes to read that something else owns and this keeps alive.
///
/// Every access is checked: what lies outside is nil, never read.
///
/// Sendable by this invariant: the owner never changes the bytes.
package struct Bytes: @unchecked Sendable {
  private let start: UnsafeRawPointer
  package let count: Int
  private let owner: AnyObject

  package init(_ start: UnsafeRawPointer, count: Int, owner: AnyObject) {
    self.start = start
    self.count = count
    self.owner = owner
  }

  package init(copying bytes: [UInt8]) {
    let storage = Storage(byteCount: bytes.count)
    bytes.withUnsafeBytes {
      storage.pointer.copyMemory(
        from: $0.baseAddress ?? UnsafeRawPointer(storage.pointer), byteCount: $0.count)
    }
    self.init(storage)
  }

  /// All bytes of `storage`, which nobody writes any more.
  package init(_ storage: Storage) {
    self.init(UnsafeRawPointer(storage.pointer), count: storage.byteCount, owner: storage)
  }

  package subscript(_ offset: Int) -> UInt8? {
    offset >= 0 && offset < count ? start.load(fromByteOffset: offset, as: UInt8.self) : nil
  }

  /// The `count` bytes from `offset`; nil where they are not all there.
  package func slice(at offset: Int, count: Int) -> Bytes? {
    guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else { return nil }
    return Bytes(start + offset, count: count, owner: owner)
  }

  package func starts(with prefix: [UInt8], at offset: Int = 0) -> Bool {
    slice(at: offset, count: prefix.count)?.withUnsafeBytes { $0.elementsEqual(prefix) } ?? false
  }

  /// A little-endian number.
  package func integer<Integer: FixedWidthInteger>(at offset: Int, as: Integer.Type = Integer.self)
    -> Integer?
  {
    slice(at: offset, count: Integer.bitWidth / 8).map {
      Integer(littleEndian: $0.start.loadUnaligned(as: Integer.self))
    }
  }

  /// UTF-8 text; nil where it is none.
  package var text: String? { withUnsafeBytes { String(validating: $0, as: UTF8.self) } }

  package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try body(UnsafeRawBufferPointer(start: start, count: count))
  }

  package func isAligned(to alignment: Int) -> Bool { Int(bitPattern: start) % alignment == 0 }

  /// The bytes where they are, as an array's storage.
  package var storage: Storage { Storage(borrowing: start, byteCount: count, owner: owner) }
}
