/// A set of names of nodes, filled once and asked often.
///
/// Each name is hashed once, however large the set grows: millions of paths are told apart in every compilation. Names
/// are compared by their bytes' hash first, so that two which only Unicode calls equal are two here.
struct NameSet {
  private var names: [String] = []
  /// Of a name, its place and, in the upper half, the upper half of its hash; `free` elsewhere.
  private var slots: [UInt64] = []

  private static let free = UInt64.max
  /// Of this process, so that no file can be written whose names all meet in one slot.
  private static let seed = UInt64.random(in: .min ... .max)

  var isEmpty: Bool { names.isEmpty }

  /// Makes room for so many more.
  mutating func reserve(_ count: Int) {
    names.reserveCapacity(names.count + count)
    grow(to: names.count + count)
  }

  /// Whether `name` was not there; it is now.
  mutating func insert(_ name: String) -> Bool { place(of: name).isNew }

  /// The number of `name` in the order of insertion, and whether it was put in just now.
  mutating func place(of name: String) -> (number: Int, isNew: Bool) {
    grow(to: names.count + 1)
    let hash = Self.hash(name)
    let slot = slot(of: name, hash)
    guard slots[slot] == Self.free else { return (Int(slots[slot] & Self.lower), false) }
    slots[slot] = hash & Self.upper | UInt64(names.count)
    names.append(name)
    return (names.count - 1, true)
  }

  func contains(_ name: String) -> Bool {
    if names.isEmpty { return false }
    return slots[slot(of: name, Self.hash(name))] != Self.free
  }

  /// Where `name` is, or would be.
  private func slot(of name: String, _ hash: UInt64) -> Int {
    let mask = slots.count - 1
    var slot = Int(hash >> 32) & mask
    while true {
      let known = slots[slot]
      if known == Self.free
        || known & Self.upper == hash & Self.upper && names[Int(known & Self.lower)] == name
      {
        return slot
      }
      slot = (slot + 1) & mask
    }
  }

  private static let upper: UInt64 = 0xffff_ffff_0000_0000
  private static let lower: UInt64 = 0xffff_ffff

  /// Keeps at least half of the slots free.
  private mutating func grow(to count: Int) {
    guard count * 2 > slots.count else { return }
    var size = max(slots.count, 16)
    while size < count * 2 { size *= 2 }
    var larger = [UInt64](repeating: Self.free, count: size)
    for known in slots where known != Self.free {
      var slot = Int(known >> 32) & (size - 1)
      while larger[slot] != Self.free { slot = (slot + 1) & (size - 1) }
      larger[slot] = known
    }
    slots = larger
  }

  // MARK: Hashing

  private static func hash(_ name: String) -> UInt64 {
    if let hash = name.utf8.withContiguousStorageIfAvailable({ hash(UnsafeRawBufferPointer($0)) }) {
      return hash
    }
    return Array(name.utf8).withUnsafeBytes { hash($0) }
  }

  /// Eight bytes at a time, each folded into 128 bits and back, as wyhash does.
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var state = fold(seed ^ UInt64(bytes.count), 0xa076_1d64_78bd_642f)
    var offset = 0
    while offset + 8 <= bytes.count {
      state = fold(
        state ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self), 0xe703_7ed1_a0b4_28db)
      offset += 8
    }
    var rest: UInt64 = 0
    while offset < bytes.count {
      rest = rest << 8 | UInt64(bytes[offset])
      offset += 1
    }
    return fold(state ^ rest, 0x8ebc_6af0_9c88_c6e3)
  }

  private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (high, low) = a.multipliedFullWidth(by: b)
    return high ^ low
  }
}
