import FirnFormats
import FirnGraph

/// TensorProto.DataType, as far as elements are numbers.
struct ElementType {
  let code: Int

  init(_ code: Int) { self.code = code }

  init(_ dtype: DType) {
    code =
      switch dtype {
      case .f32: 1
      case .f64: 11
      case .i32: 6
      case .bool: 9
      }
  }

  private static let rows: [(code: Int, name: String, stored: StoredType?)] = [
    (1, "float", .f32), (2, "uint8", .u8), (3, "int8", .i8), (4, "uint16", .u16), (5, "int16", .i16),
    (6, "int32", .i32), (7, "int64", .i64), (8, "string", nil), (9, "bool", .bool), (10, "float16", .f16),
    (11, "double", .f64), (12, "uint32", .u32), (13, "uint64", .u64), (14, "complex64", .complex64),
    (15, "complex128", .complex128), (16, "bfloat16", .bf16),
  ]

  /// ONNX's name of it.
  var name: String { Self.rows.first { $0.code == code }?.name ?? "type \(code)" }

  /// How its elements lie in a file; nil for text and for numbers of less than two bytes that Firn has not.
  var stored: StoredType? { Self.rows.first { $0.code == code }?.stored }

  /// What stands for it in a graph; nil where nothing does.
  var dtype: DType? { stored?.dtype }
}
