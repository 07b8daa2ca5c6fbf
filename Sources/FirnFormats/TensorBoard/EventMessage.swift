/// A message of protocol buffers being written: fields one after the other.
///
/// Source: the protocol buffers encoding guide.
struct EventMessage {
  private(set) var bytes: [UInt8] = []

  mutating func varint(_ field: Int, _ value: UInt64) {
    number(UInt64(field) << 3)
    number(value)
  }

  mutating func integer(_ field: Int, _ value: Int) { varint(field, UInt64(bitPattern: Int64(value))) }

  mutating func double(_ field: Int, _ value: Double) {
    number(UInt64(field) << 3 | 1)
    fixed(value.bitPattern)
  }

  mutating func float(_ field: Int, _ value: Float) {
    number(UInt64(field) << 3 | 5)
    fixed(value.bitPattern)
  }

  mutating func text(_ field: Int, _ value: String) { data(field, Array(value.utf8)) }

  mutating func message(_ field: Int, _ build: (inout EventMessage) -> Void) {
    var inner = EventMessage()
    build(&inner)
    data(field, inner.bytes)
  }

  /// Numbers of a repeated field, packed.
  mutating func doubles(_ field: Int, _ values: [Double]) {
    var inner = EventMessage()
    for value in values { inner.fixed(value.bitPattern) }
    data(field, inner.bytes)
  }

  mutating func data(_ field: Int, _ value: [UInt8]) {
    number(UInt64(field) << 3 | 2)
    number(UInt64(value.count))
    bytes += value
  }

  private mutating func number(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func fixed(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }
}
