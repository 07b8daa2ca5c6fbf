/// Packs bytes that repeat a pattern as tightly as deflate can: 258 of them into two bits.
struct Deflating {
  private var bits: [UInt8] = []
  private var pending: UInt32 = 0
  private var pendingCount = 0

  /// One block of codes of its own: `head`, `pattern` again and again until `count` bytes more, and `tail`.
  ///
  /// - Parameter pattern: of at most four bytes.
  static func packed(_ head: [UInt8], repeating pattern: [UInt8], count: Int, tail: [UInt8]) -> [UInt8] {
    var packer = Deflating()
    var literals = Array(Set(head + pattern + tail)).sorted().map(Int.init)
    // The end of the block, and as many others as make all codes of one length.
    literals.append(256)
    var filler = 0
    while literals.count & (literals.count - 1) != 0 || literals.count < 2 {
      if !literals.contains(filler) { literals.append(filler) }
      filler += 1
    }
    literals.sort()
    let length = literals.count.trailingZeroBitCount + 1
    let distance = pattern.count - 1

    packer.add(1, 1)
    packer.add(2, 2)
    packer.add(286 - 257, 5)
    packer.add(distance, 5)
    packer.add(15, 4)
    // Lengths of codes are 0, 1 and one other; 1 itself can be that where there are two symbols.
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    var codes: [Int: (code: Int, length: Int)] = [:]
    for (number, symbol) in [0, 1, length].sorted().enumerated() {
      codes[symbol] = symbol == 0 ? (0, 1) : (0b10 + number - 1, 2)
    }
    for symbol in order { packer.add(codes[symbol]?.length ?? 0, 3) }
    func describe(_ symbolLength: Int) {
      let code = codes[symbolLength] ?? (0, 0)
      packer.addCode(code.code, code.length)
    }
    for symbol in 0..<286 { describe(symbol == 285 ? 1 : literals.contains(symbol) ? length : 0) }
    for symbol in 0...distance { describe(symbol == distance ? 1 : 0) }

    // The one code of a single bit is that of 258 bytes; the others follow it in their order.
    var places: [Int: Int] = [:]
    for (place, symbol) in literals.enumerated() { places[symbol] = place + literals.count }
    func put(_ symbol: Int) { packer.addCode(places[symbol] ?? 0, length) }
    for byte in head { put(Int(byte)) }
    for byte in pattern { put(Int(byte)) }
    var rest = max(0, count - pattern.count)
    while rest >= 258 {
      packer.add(0, 2)
      rest -= 258
    }
    // Where the pattern does not divide the length of a match, it goes on where that left off.
    let done = max(count, pattern.count) - rest
    for position in 0..<rest { put(Int(pattern[(done + position) % pattern.count])) }
    for byte in tail { put(Int(byte)) }
    put(256)
    packer.add(0, 7)
    return packer.bits
  }

  /// The lowest bit first.
  private mutating func add(_ value: Int, _ count: Int) {
    for bit in 0..<count { add(bit: UInt32(value >> bit & 1)) }
  }

  /// A code: the highest bit first.
  private mutating func addCode(_ value: Int, _ count: Int) {
    for bit in (0..<count).reversed() { add(bit: UInt32(value >> bit & 1)) }
  }

  private mutating func add(bit: UInt32) {
    pending |= bit << UInt32(pendingCount)
    pendingCount += 1
    if pendingCount == 8 {
      bits.append(UInt8(pending))
      (pending, pendingCount) = (0, 0)
    }
  }
}
