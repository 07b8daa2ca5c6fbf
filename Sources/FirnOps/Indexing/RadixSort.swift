/// A number whose order is that of some unsigned number of as many bytes, NaN above all else.
protocol Ordered: Comparable, BitwiseCopyable, Sendable {
  /// Bytes of the key that differ.
  static var keyBytes: Int { get }
  /// Equal for equal numbers, both zeros among them, and for all NaN.
  var key: UInt64 { get }
}

extension Float: Ordered {
  static var keyBytes: Int { 4 }
  var key: UInt64 {
    if isNaN { return UInt64(UInt32.max) }
    let bits = self == 0 ? 0 : bitPattern
    return UInt64(bits >> 31 == 0 ? bits | 1 << 31 : ~bits)
  }
}

extension Double: Ordered {
  static var keyBytes: Int { 8 }
  var key: UInt64 {
    if isNaN { return UInt64.max }
    let bits = self == 0 ? 0 : bitPattern
    return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
  }
}

extension Int32: Ordered {
  static var keyBytes: Int { 4 }
  var key: UInt64 { UInt64(UInt32(bitPattern: self) ^ 1 << 31) }
}

/// Sorts the indices of rows of one extent, byte by byte of their keys from the last on: of equal elements the one that
/// stands first comes first.
struct RadixSort {
  struct Entry {
    var key: UInt64
    var index: Int32
  }

  /// Sorted once `sort` has run.
  let entries: UnsafeMutablePointer<Entry>
  private let others: UnsafeMutablePointer<Entry>
  private let counts: UnsafeMutablePointer<Int>
  private let extent: Int

  private static let digits = 256

  /// Bytes it works in, whatever the type.
  static func bytes(of extent: Int) -> Int {
    let entries = (extent * MemoryLayout<Entry>.stride + 63) / 64 * 64
    return 2 * entries + digits * MemoryLayout<Int>.stride
  }

  init(at scratch: UnsafeMutableRawPointer, _ extent: Int) {
    let size = (extent * MemoryLayout<Entry>.stride + 63) / 64 * 64
    entries = scratch.assumingMemoryBound(to: Entry.self)
    others = (scratch + size).assumingMemoryBound(to: Entry.self)
    counts = (scratch + 2 * size).assumingMemoryBound(to: Int.self)
    self.extent = extent
  }

  @inline(__always)
  func sort<T: Ordered>(_ x: UnsafePointer<T>, descending: Bool) {
    let turn: UInt64 = descending ? .max : 0
    for i in 0..<extent { entries[i] = Entry(key: x[i].key ^ turn, index: Int32(truncatingIfNeeded: i)) }
    var (from, to) = (entries, others)
    // An even number of passes, so that the last one ends where the first began.
    for byte in 0..<T.keyBytes {
      let shift = UInt64(8 * byte)
      for digit in 0..<Self.digits { counts[digit] = 0 }
      for i in 0..<extent { counts[Int(from[i].key >> shift & 255)] += 1 }
      var sum = 0
      for digit in 0..<Self.digits { (counts[digit], sum) = (sum, sum + counts[digit]) }
      for i in 0..<extent {
        let digit = Int(from[i].key >> shift & 255)
        to[counts[digit]] = from[i]
        counts[digit] += 1
      }
      (from, to) = (to, from)
    }
  }
}
