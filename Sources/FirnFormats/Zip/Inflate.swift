package import FirnFiles
package import FirnGraph

/// Unpacks deflated bytes (RFC 1951).
///
/// Strict: a code that is over- or undersubscribed (but for a single distance of one bit), a distance before the start,
/// a stream that ends early or yields another count than announced are errors.
package struct Inflate {
  private static let longestRepetition = 258
  /// Deflate packs no byte into less than this part of one: 258 bytes into two bits.
  package static let largestRatio = 1032

  private var input: BitReader
  private let fault: FileFault
  private let limit: Int
  private let store: GrowingBytes
  /// All of the store, also what is not written yet.
  private var output: UnsafeMutableRawBufferPointer
  private var count = 0

  /// The first `limit` bytes, or all where there are fewer.
  ///
  /// Memory grows with what is really unpacked, never by what is announced.
  package static func unpack(_ bytes: Bytes, atMost limit: Int, fault: FileFault) throws(FirnError) -> Bytes {
    try bytes.withUnsafeBytes { (raw) throws(FirnError) in
      var inflate = Inflate(raw, limit: limit, fault: fault)
      try inflate.run()
      return inflate.result()
    }
  }

  /// All bytes, which must be `count` and use up the input.
  package static func unpack(_ bytes: Bytes, count: Int, fault: FileFault) throws(FirnError) -> Bytes {
    let (most, overflow) = bytes.count.multipliedReportingOverflow(by: largestRatio)
    guard overflow || count <= most else { throw fault("announces more bytes than could be packed in it") }
    try FreeMemory.require(count, for: "unpacking a part of '\(fault.source)'")
    return try bytes.withUnsafeBytes { (raw) throws(FirnError) in
      // One more than announced, so that too many show.
      var inflate = Inflate(raw, limit: count + 1, fault: fault)
      try inflate.run()
      guard inflate.count == count, inflate.input.remaining == 0 else {
        throw fault("does not unpack to the size it announces")
      }
      return inflate.result()
    }
  }

  private init(_ input: UnsafeRawBufferPointer, limit: Int, fault: FileFault) {
    self.input = BitReader(input)
    self.limit = limit
    self.fault = fault
    store = GrowingBytes(capacity: min(limit, max(1 << 12, input.count)))
    output = store.buffer
  }

  /// What was unpacked, where it is.
  private func result() -> Bytes {
    store.advance(count - store.count)
    return store.bytes()
  }

  private mutating func run() throws(FirnError) {
    var isLast = false
    while !isLast && count < limit {
      isLast = try take(1) == 1
      switch try take(2) {
      case 0: try stored()
      case 1: try block(literals: Self.fixed.literals, distances: Self.fixed.distances)
      case 2:
        let (literals, distances) = try codes()
        try block(literals: literals, distances: distances)
      default: throw damaged
      }
    }
  }

  private var damaged: FirnError { fault("has damaged packed bytes") }

  private mutating func take(_ width: Int) throws(FirnError) -> Int {
    guard let value = input.take(width) else { throw damaged }
    return value
  }

  // MARK: Output

  private mutating func reserve(_ extra: Int) throws(FirnError) {
    store.advance(count - store.count)
    try store.reserve(extra, limit: limit)
    output = store.buffer
  }

  private mutating func stored() throws(FirnError) {
    guard let head = input.bytes(4) else { throw damaged }
    let length = Int(head[0]) | Int(head[1]) << 8
    guard Int(head[2]) | Int(head[3]) << 8 == length ^ 0xFFFF, let bytes = input.bytes(length) else {
      throw damaged
    }
    let wanted = min(length, limit - count)
    try reserve(wanted)
    UnsafeMutableRawBufferPointer(rebasing: output[count..<count + wanted])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<wanted]))
    count += wanted
  }

  private mutating func block(literals: HuffmanCode, distances: HuffmanCode) throws(FirnError) {
    let isWhole = try literals.withTable { (literals) throws(FirnError) in
      try distances.withTable { (distances) throws(FirnError) in try decode(literals, distances) }
    }
    if !isWhole { throw damaged }
  }

  /// The loop that all time goes into; false where the bytes are damaged.
  private mutating func decode(
    _ literals: HuffmanCode.Table, _ distances: HuffmanCode.Table
  ) throws(FirnError) -> Bool {
    var input = input
    var count = count
    defer { (self.input, self.count) = (input, count) }
    while count < limit {
      guard let symbol = input.symbol(literals) else { return false }
      if count + Self.longestRepetition > output.count {
        self.count = count
        try reserve(min(Self.longestRepetition, limit - count))
      }
      if symbol < 256 {
        output[count] = UInt8(truncatingIfNeeded: symbol)
        count += 1
        continue
      }
      if symbol == 256 { return true }
      guard symbol < 286, let more = input.take(Self.lengths[symbol - 257].extra),
        let code = input.symbol(distances), code < 30, let further = input.take(Self.distances[code].extra)
      else { return false }
      let length = min(Self.lengths[symbol - 257].base + more, limit - count)
      let distance = Self.distances[code].base + further
      guard distance <= count else { return false }
      for _ in 0..<length {
        output[count] = output[count - distance]
        count += 1
      }
    }
    return true
  }

  // MARK: Codes

  private mutating func codes() throws(FirnError) -> (HuffmanCode, HuffmanCode) {
    let literalCount = try take(5) + 257
    let distanceCount = try take(5) + 1
    let lengthCount = try take(4) + 4
    guard literalCount <= 286, distanceCount <= 30 else { throw damaged }
    var lengths = [UInt8](repeating: 0, count: 19)
    for index in Self.order.prefix(lengthCount) { lengths[index] = UInt8(try take(3)) }
    guard let code = HuffmanCode(lengths: lengths) else { throw damaged }

    lengths = []
    while lengths.count < literalCount + distanceCount {
      guard let symbol = code.withTable({ input.symbol($0) }) else { throw damaged }
      switch symbol {
      case 16:
        guard let last = lengths.last else { throw damaged }
        lengths += [UInt8](repeating: last, count: 3 + (try take(2)))
      case 17: lengths += [UInt8](repeating: 0, count: 3 + (try take(3)))
      case 18: lengths += [UInt8](repeating: 0, count: 11 + (try take(7)))
      default: lengths.append(UInt8(symbol))
      }
    }
    guard lengths.count == literalCount + distanceCount, lengths[256] > 0,
      let literals = HuffmanCode(lengths: Array(lengths[..<literalCount]), allowingSingle: true),
      let distances = HuffmanCode(lengths: Array(lengths[literalCount...]), allowingSingle: true)
    else { throw damaged }
    return (literals, distances)
  }

  private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

  /// Symbols 257 to 285.
  private static let lengths: [(base: Int, extra: Int)] =
    steps(from: 3, extras: [0, 0, 0, 0, 0, 0, 0, 0] + (1...5).flatMap { [$0, $0, $0, $0] }).dropLast()
    + [(227, 5), (258, 0)]

  private static let distances = steps(from: 1, extras: [0, 0] + (0...13).flatMap { [$0, $0] })

  private static func steps(from base: Int, extras: [Int]) -> [(base: Int, extra: Int)] {
    var base = base
    return extras.map { extra in
      defer { base += 1 << extra }
      return (base, extra)
    }
  }

  private static let fixed: (literals: HuffmanCode, distances: HuffmanCode) = {
    let literals = (0..<288).map { UInt8($0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8) }
    guard let literals = HuffmanCode(lengths: literals),
      let distances = HuffmanCode(lengths: [UInt8](repeating: 5, count: 32))
    else { firnBug("Inflate", "the fixed codes are incomplete") }
    return (literals, distances)
  }()
}
