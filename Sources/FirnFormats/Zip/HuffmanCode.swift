/// A prefix code as a table: the next bits of a stream are looked up and give symbol and length at once.
struct HuffmanCode: Sendable {
  static let longest = 15

  /// Symbol times 16 plus length; 0 where no code starts with the index's bits, lowest first.
  private let table: [UInt16]

  /// A power of two of entries: symbol times 16 plus length.
  typealias Table = UnsafeBufferPointer<UInt16>

  /// The canonical code with these lengths; nil where they make none or leave bits without a meaning.
  ///
  /// - Parameter allowingSingle: whether no code at all, or one of a single bit, will do, as deflate's distances may.
  init?(lengths: [UInt8], allowingSingle: Bool = false) {
    let width = Int(lengths.max() ?? 0)
    guard width <= Self.longest else { return nil }
    var counts = [Int](repeating: 0, count: Self.longest + 2)
    for length in lengths where length > 0 { counts[Int(length)] += 1 }
    var code = 0
    var starts = [Int](repeating: 0, count: Self.longest + 2)
    for length in 1...Self.longest {
      code = (code + (length == 1 ? 0 : counts[length - 1])) << 1
      starts[length] = code
      if code + counts[length] > 1 << length { return nil }
    }
    let used = counts.enumerated().reduce(0) { $0 + $1.element << (Self.longest + 1 - $1.offset) }
    let isComplete = used == 1 << (Self.longest + 1)
    let isSingle = width == 0 || width == 1 && counts[1] == 1
    guard isComplete || allowingSingle && isSingle else { return nil }

    var table = [UInt16](repeating: 0, count: 1 << width)
    for (symbol, length) in lengths.enumerated() where length > 0 {
      let length = Int(length)
      var reversed = 0
      for bit in 0..<length where starts[length] >> bit & 1 == 1 { reversed |= 1 << (length - 1 - bit) }
      starts[length] += 1
      for index in stride(from: reversed, to: table.count, by: 1 << length) {
        table[index] = UInt16(symbol << 4 | length)
      }
    }
    self.table = table
  }

  func withTable<R, E: Error>(_ body: (Table) throws(E) -> R) throws(E) -> R {
    try table.withUnsafeBufferPointer { (table) throws(E) in try body(table) }
  }
}
