/// A set of names of nodes, filled once and asked often.
///
/// Each name is hashed once, however large the set grows: millions of paths are told apart in every compilation. Names
/// are compared by their bytes' hash first, so that two which only Unicode calls equal are two here.
struct NameSet {
  /// Nodes whose names it may hold, by their positions: a name is reached for only where hashes agree.
  private let nodes: [Node]
  /// The other names, numbered behind the nodes.
  private var names: [String] = []
  private var count = 0
  /// Of a name, its number and, in the upper half, its hash; `free` elsewhere.
  private var slots: [UInt64] = []

  private static let free = UInt64.max
  /// Of this process, so that no file can be written whose names all meet in one slot.
  private static let seed = UInt64.random(in: .min ... .max)

  /// Without names.
  ///
  /// - Parameter nodes: those that can be put in by position.
  init(of nodes: [Node] = []) { self.nodes = nodes }

  var isEmpty: Bool { count == 0 }

  /// Makes room for so many more.
  mutating func reserve(_ more: Int) { grow(to: count + more) }

  /// Whether `name` was not there; it is now.
  mutating func insert(_ name: String) -> Bool { place(of: name).isNew }

  /// Whether the name of the node at `position` was not there; it is now.
  mutating func insert(nodeAt position: Int) -> Bool {
    grow(to: count + 1)
    let hash = nodes[position].nameHash
    let slot = slot(hash) { $0 == nodes[position].name }
    guard slots[slot] == Self.free else { return false }
    slots[slot] = UInt64(hash) << 32 | UInt64(position)
    count += 1
    return true
  }

  /// The number of `name`, and whether it was put in just now.
  mutating func place(of name: String) -> (number: Int, isNew: Bool) { place(of: name, Self.hash(name)) }

  /// The same, given the hash of the name.
  mutating func place(of name: String, _ hash: UInt32) -> (number: Int, isNew: Bool) {
    grow(to: count + 1)
    let slot = slot(hash) { $0 == name }
    guard slots[slot] == Self.free else { return (Int(slots[slot] & Self.lower), false) }
    let number = nodes.count + names.count
    slots[slot] = UInt64(hash) << 32 | UInt64(number)
    names.append(name)
    count += 1
    return (number, true)
  }

  /// Whether it holds the name of a node.
  func contains(nameOf node: Node) -> Bool {
    count > 0 && slots[slot(node.nameHash) { $0 == node.name }] != Self.free
  }

  /// Where a name of this hash is, or would be.
  private func slot(_ hash: UInt32, _ isEqual: (String) -> Bool) -> Int {
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while true {
      let known = slots[slot]
      if known == Self.free { return slot }
      if UInt32(known >> 32) == hash {
        let number = Int(known & Self.lower)
        if isEqual(number < nodes.count ? nodes[number].name : names[number - nodes.count]) { return slot }
      }
      slot = (slot + 1) & mask
    }
  }

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

  /// What a node keeps beside its name.
  static func hash(_ name: String) -> UInt32 {
    if let hash = name.utf8.withContiguousStorageIfAvailable({ hash(UnsafeRawBufferPointer($0)) }) {
      return hash
    }
    return Array(name.utf8).withUnsafeBytes { hash($0) }
  }

  /// Eight bytes at a time, each folded into 128 bits and back, as wyhash does.
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
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
    return UInt32(fold(state ^ rest, 0x8ebc_6af0_9c88_c6e3) >> 32)
  }

  private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (high, low) = a.multipliedFullWidth(by: b)
    return high ^ low
  }
}
