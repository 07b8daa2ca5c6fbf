import FirnFormats
import FirnGraph
import FirnTestSupport

/// Kinds of files that are small and want to be large in memory, made by a seed.
enum HostileFile: String, CaseIterable {
  case deflatedPickle = "deflated-pickle"
  case piledPickle = "piled-pickle"
  case randomPickle = "random-pickle"
  case legacyPickle = "legacy-pickle"
  case deflatedArray = "deflated-array"
  case deflatedOrder = "deflated-order"
  case manyMembers = "many-members"
  case manyTensors = "many-tensors"
  case longHeader = "long-header"
  case longNames = "long-names"
  case shardIndex = "shard-index"
  case sharedKeys = "shared-keys"

  /// What it is called, so that readers take it for what it claims to be.
  var name: String {
    switch self {
    case .deflatedPickle, .piledPickle, .randomPickle, .legacyPickle, .deflatedOrder: "file.pt"
    case .deflatedArray, .manyMembers: "file.npz"
    case .manyTensors, .longHeader, .longNames: "file.safetensors"
    case .shardIndex: "file.safetensors.index.json"
    case .sharedKeys: "file.index"
    }
  }

  private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
  private static func repeated(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count * count)
    for _ in 0..<count { result += bytes }
    return result
  }

  /// Operations that leave a value or more each, or keep one.
  private static let piles: [[UInt8]] = [
    [0x4E], [0x7D], [0x5D], [0x29], [0x28], [0x88], [0x4B, 7], [0x7D, 0x94], [0x4E, 0x94, 0x4E],
    [0x5D, 0x94, 0x30], [0x8F], [0x29, 0x85], [0x55, 1, 0x61], [0x28, 0x74], [0x4E, 0x4E, 0x86],
  ]

  /// The size of most is some hundred kilobytes, of some several megabytes.
  func bytes(seed: UInt64) -> [UInt8] {
    var random = Mutator(seed: seed)
    let size = 1 << (14 + random.below(random.below(8) == 0 ? 9 : 5))
    let pile = Self.piles[random.below(Self.piles.count)]
    let opening: [UInt8] = [[0x80, 2], [0x80, 4, 0x28], [0x80, 2, 0x7D, 0x28]][random.below(3)]
    let closing: [UInt8] = [Self.text("."), Self.text("l."), Self.text("u."), Self.text("t.")][
      random.below(4)]
    switch self {
    case .deflatedPickle:
      let count = min(size, 1 << 17) * (random.below(1000) + 1)
      // The pattern of a pile may have to be whole: of three bytes and of four the last match is cut.
      let packed = Deflating.packed(opening, repeating: pile, count: count, tail: closing)
      return Self.zip([
        ("x/data.pkl", packed, opening.count + max(count, pile.count) + closing.count)
      ])
    case .piledPickle:
      return FileParts.zip([
        ("x/data.pkl", opening + Self.repeated(pile, size / pile.count) + closing),
        ("x/data/0", [0, 0, 0, 0]),
      ])
    case .randomPickle:
      var pickle: [UInt8] = [0x80, 4]
      let few = Self.piles.prefix(random.below(Self.piles.count - 1) + 2)
      let operations =
        few + [[0x61], [0x65], [0x75], [0x73], [0x6C], [0x68, 0], [0x71, 0], [0x86], [0x32], [0x30]]
      for _ in 0..<min(size, 1 << 18) { pickle += operations[random.below(operations.count)] }
      return FileParts.zip([("x/data.pkl", pickle + closing)])
    case .legacyPickle:
      let magic: [UInt8] = [
        0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
      ]
      return magic + [0x80, 2, 0x4D, 0xE9, 3, 0x2E, 0x80, 2, 0x7D, 0x2E] + opening
        + Self.repeated(pile, size / pile.count) + closing
    case .deflatedArray:
      let elements = min(size, 1 << 17) * (random.below(1000) + 1) / 4
      var head = Self.text(
        "\u{1}\u{0}v\u{0}{'descr': '<f4', 'fortran_order': False, 'shape': (\(elements),), }")
      head[2] = 118
      head += [UInt8](repeating: 0x20, count: 4 + 118 - 1 - head.count) + [0x0A]
      head = [0x93] + Self.text("NUMPY") + head
      let packed = Deflating.packed(head, repeating: [0], count: elements * 4, tail: [])
      return Self.zip([("a.npy", packed, head.count + elements * 4)])
    case .deflatedOrder:
      let count = min(size, 1 << 17) * 1000
      let packed = Deflating.packed([], repeating: Self.text("l"), count: count, tail: [])
      return Self.zip([
        ("x/byteorder", packed, count), ("x/data.pkl", [0x80, 2, 0x7D, 0x2E], nil),
      ])
    case .manyMembers:
      return FileParts.zip((0..<min(size / 80, 60_000)).map { (String($0, radix: 36), []) })
    case .manyTensors:
      return Self.safetensors(
        (0..<size / 60).map { "\"\($0)\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}" })
    case .longHeader:
      let extents = [String](repeating: "1", count: size / 2).joined(separator: ",")
      let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
      return Self.safetensors([
        "\"a\":{\"dtype\":\"F32\",\"shape\":[0,\(extents)],\"data_offsets\":[0,0],\"more\":\(deep)}"
      ])
    case .longNames:
      let name = String(repeating: ["a", "\\u0041", "\\n", "é"][random.below(4)], count: size / 2)
      return Self.safetensors([
        "\"__metadata__\":{\"\(name)\":\"\(name)\"}",
        "\"\(name)\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
      ])
    case .shardIndex:
      let rows = (0..<size / 20).map { "\"\($0)\":\"\(random.below(3))/\($0 % 7)\"" }
      return Self.text("{\"weight_map\":{\(rows.joined(separator: ","))}}")
    case .sharedKeys:
      // Each key is the one before and a letter more.
      var block: [UInt8] = [0, 0, 2, 8, 1]
      for number in 0..<size / 16 { block += Self.varint(number) + [1, 2, 0x61, 8, 1] }
      return FileParts.table(block + [0, 0, 0, 0, 1, 0, 0, 0])
    }
  }

  private static func varint(_ value: Int) -> [UInt8] {
    value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128)] + varint(value >> 7)
  }

  private static func safetensors(_ members: [String]) -> [UInt8] {
    let header = text("{" + members.joined(separator: ",") + "}")
    return FileParts.little(UInt64(header.count)) + header
  }

  /// A zip file of members that are deflated where what they unpack to has another count.
  ///
  /// The checksums are wrong: whoever unpacks such a member has taken the memory before he can see it.
  private static func zip(_ members: [(name: String, bytes: [UInt8], unpacked: Int?)]) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes, unpacked) in members {
      let name = text(name)
      let method: UInt8 = unpacked == nil ? 0 : 8
      let common =
        [20, 0, 0, 0, method, 0, 0, 0, 0x21, 0] + FileParts.little(UInt32(0))
        + FileParts.little(UInt32(bytes.count)) + FileParts.little(UInt32(unpacked ?? bytes.count))
        + FileParts.little(UInt16(name.count)) + [0, 0]
      directory += [0x50, 0x4B, 1, 2, 20, 0] + common + [UInt8](repeating: 0, count: 10)
      directory += FileParts.little(UInt32(file.count)) + name
      file += [0x50, 0x4B, 3, 4] + common + name + bytes
    }
    let count = FileParts.little(UInt16(members.count))
    return file + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + count + count
      + FileParts.little(UInt32(directory.count)) + FileParts.little(UInt32(file.count)) + [0, 0]
  }
}
