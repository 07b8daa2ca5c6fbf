internal import FirnFiles
internal import FirnGraph

/// What the index of a checkpoint says of one tensor: `BundleEntryProto` of `tensor_bundle.proto`.
struct TensorFlowEntry {
  private(set) var type = 0
  private(set) var shape: [Int] = []
  private(set) var shard = 0
  private(set) var offset = 0
  private(set) var size = 0
  private(set) var checksum: UInt32 = 0
  private(set) var isSliced = false

  init(_ bytes: Bytes, fault: FileFault) throws(FirnError) {
    var message = ProtocolBuffer(bytes, fault: fault)
    while let (field, value) = try message.next() {
      switch (field, value) {
      case (1, .varint(let number)): type = try Self.size(number, fault)
      case (2, .bytes(let bytes)): shape = try Self.shape(bytes, fault: fault)
      case (3, .varint(let number)): shard = try Self.size(number, fault)
      case (4, .varint(let number)): offset = try Self.size(number, fault)
      case (5, .varint(let number)): size = try Self.size(number, fault)
      case (6, .fixed32(let number)): checksum = number
      case (7, .bytes): isSliced = true
      default: break
      }
    }
  }

  /// The type's number in `types.proto`, and its name there.
  static let types: [Int: (String, StoredType?)] = [
    1: ("DT_FLOAT", .f32), 2: ("DT_DOUBLE", .f64), 3: ("DT_INT32", .i32), 4: ("DT_UINT8", .u8),
    5: ("DT_INT16", .i16), 6: ("DT_INT8", .i8), 7: ("DT_STRING", nil), 8: ("DT_COMPLEX64", .complex64),
    9: ("DT_INT64", .i64), 10: ("DT_BOOL", .bool), 11: ("DT_QINT8", nil), 12: ("DT_QUINT8", nil),
    13: ("DT_QINT32", nil), 14: ("DT_BFLOAT16", .bf16), 15: ("DT_QINT16", nil), 16: ("DT_QUINT16", nil),
    17: ("DT_UINT16", .u16), 18: ("DT_COMPLEX128", .complex128), 19: ("DT_HALF", .f16),
    20: ("DT_RESOURCE", nil), 21: ("DT_VARIANT", nil), 22: ("DT_UINT32", .u32), 23: ("DT_UINT64", .u64),
    24: ("DT_FLOAT8_E5M2", .f8e5m2), 25: ("DT_FLOAT8_E4M3FN", .f8e4m3),
    26: ("DT_FLOAT8_E4M3FNUZ", .f8e4m3fnuz),
    28: ("DT_FLOAT8_E5M2FNUZ", .f8e5m2fnuz), 29: ("DT_INT4", nil), 30: ("DT_UINT4", nil),
  ]

  /// TensorFlow's own limit.
  private static let mostAxes = 254

  private static func shape(_ bytes: Bytes, fault: FileFault) throws(FirnError) -> [Int] {
    var shape: [Int] = []
    var message = ProtocolBuffer(bytes, fault: fault)
    while let (field, value) = try message.next() {
      if field == 3, case .varint(let unknown) = value, unknown != 0 {
        throw fault("holds a tensor of an unknown number of axes")
      }
      guard field == 2, case .bytes(let bytes) = value else { continue }
      guard shape.count < mostAxes else { throw fault("holds a tensor of more than \(mostAxes) axes") }
      var extent = 0
      var dimension = ProtocolBuffer(bytes, fault: fault)
      while let (field, value) = try dimension.next() {
        if field == 1, case .varint(let number) = value { extent = try size(number, fault) }
      }
      shape.append(extent)
    }
    return shape
  }

  private static func size(_ number: UInt64, _ fault: FileFault) throws(FirnError) -> Int {
    guard let size = Int(exactly: number) else { throw fault("states an impossible size") }
    return size
  }
}
