/// Writes the wire form of protocol buffers (protobuf.dev, "Encoding"); what is empty or nil is left out.
struct MessageWriter {
  private(set) var bytes: [UInt8] = []

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func tag(_ field: Int, _ kind: UInt64) { varint(UInt64(field) << 3 | kind) }

  mutating func integer(_ field: Int, _ value: Int?) {
    guard let value else { return }
    tag(field, 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func float(_ field: Int, _ value: Float?) {
    guard let value else { return }
    tag(field, 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func bytes(_ field: Int, _ value: some Collection<UInt8>) {
    tag(field, 2)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  mutating func text(_ field: Int, _ value: String) {
    if !value.isEmpty { bytes(field, value.utf8) }
  }

  mutating func texts(_ field: Int, _ values: [String]) {
    for value in values { bytes(field, value.utf8) }
  }

  mutating func integers(_ field: Int, _ values: [Int]) {
    if values.isEmpty { return }
    var packed = MessageWriter()
    for value in values { packed.varint(UInt64(bitPattern: Int64(value))) }
    bytes(field, packed.bytes)
  }

  mutating func floats(_ field: Int, _ values: [Float]) {
    if values.isEmpty { return }
    var packed = MessageWriter()
    for value in values {
      Swift.withUnsafeBytes(of: value.bitPattern.littleEndian) { packed.bytes.append(contentsOf: $0) }
    }
    bytes(field, packed.bytes)
  }

  mutating func message(_ field: Int, _ value: (any WireMessage)?) {
    guard let value else { return }
    var inner = MessageWriter()
    value.write(to: &inner)
    bytes(field, inner.bytes)
  }

  mutating func messages(_ field: Int, _ values: [any WireMessage]) {
    for value in values { message(field, value) }
  }
}
