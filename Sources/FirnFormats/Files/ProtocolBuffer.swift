package import FirnFiles
package import FirnGraph

/// Reads the wire form of protocol buffers, field by field (protobuf.dev, "Encoding"): TensorFlow's files and ONNX's.
package struct ProtocolBuffer {
  package enum Value {
    case varint(UInt64)
    case fixed32(UInt32)
    case fixed64(UInt64)
    case bytes(Bytes)
  }

  private var reader: ByteReader
  private let fault: FileFault

  package init(_ bytes: Bytes, fault: FileFault) {
    reader = ByteReader(bytes, fault: fault)
    self.fault = fault
  }

  /// The next field; nil at the end.
  package mutating func next() throws(FirnError) -> (field: Int, value: Value)? {
    if reader.isAtEnd { return nil }
    let tag = try reader.varint()
    guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { throw fault("has a damaged description") }
    let field = Int(tag >> 3)
    switch tag & 7 {
    case 0: return (field, .varint(try reader.varint()))
    case 1: return (field, .fixed64(try reader.integer()))
    case 2:
      guard let count = Int(exactly: try reader.varint()) else { throw fault("has a damaged description") }
      return (field, .bytes(try reader.take(count)))
    case 5: return (field, .fixed32(try reader.integer()))
    default: throw fault("has a damaged description")
    }
  }
}
