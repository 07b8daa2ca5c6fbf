/// The names of which a description is built; whatever else a pickle names makes a closed box.
enum PickleGlobal: Hashable {
  case orderedDictionary
  case rebuildTensor
  case rebuildTensorWithType
  /// As PyTorch wrote tensors until version 0.3.
  case rebuildPlainTensor
  /// A tensor of a subclass or with attributes: another of these makes it.
  case rebuildSubclass
  case rebuildParameter
  /// What byte strings are made by below protocol 3.
  case encode
  case size
  case device
  /// A storage class, such as `torch.FloatStorage`, or nil for bytes without a type.
  case storage(StoredType?)
  /// A dtype, such as `torch.uint16`.
  case type(StoredType)

  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTensorWithType
    case ("torch._utils", "_rebuild_tensor"): self = .rebuildPlainTensor
    case ("torch._tensor", "_rebuild_from_type_v2"): self = .rebuildSubclass
    case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
      self = .rebuildParameter
    case ("_codecs", "encode"): self = .encode
    case ("torch", "Size"): self = .size
    case ("torch", "device"): self = .device
    case ("torch.storage", "UntypedStorage"): self = .storage(nil)
    case ("torch", let name):
      if let type = Self.storages.first(where: { $0.name == name })?.type {
        self = .storage(type)
      } else if let type = Self.types.first(where: { $0.name == name })?.type {
        self = .type(type)
      } else {
        return nil
      }
    default: return nil
    }
  }

  /// What it is, where nothing is built by it: `the element type f32`.
  var words: String {
    switch self {
    case .type(let type): "the element type \(type.rawValue)"
    case .storage: "a class of storages"
    default: "a class or function"
    }
  }

  /// Classes of typed storages.
  static let storages: [(name: String, type: StoredType)] = [
    ("DoubleStorage", .f64), ("FloatStorage", .f32), ("HalfStorage", .f16), ("BFloat16Storage", .bf16),
    ("LongStorage", .i64), ("IntStorage", .i32), ("ShortStorage", .i16), ("CharStorage", .i8),
    ("ByteStorage", .u8), ("BoolStorage", .bool), ("ComplexFloatStorage", .complex64),
    ("ComplexDoubleStorage", .complex128),
  ]

  /// Types of elements, under PyTorch's names.
  static let types: [(name: String, type: StoredType)] = [
    ("float64", .f64), ("float32", .f32), ("float16", .f16), ("bfloat16", .bf16), ("int64", .i64),
    ("int32", .i32), ("int16", .i16), ("int8", .i8), ("uint64", .u64), ("uint32", .u32), ("uint16", .u16),
    ("uint8", .u8), ("bool", .bool), ("complex64", .complex64), ("complex128", .complex128),
    ("float8_e4m3fn", .f8e4m3), ("float8_e5m2", .f8e5m2), ("float8_e8m0fnu", .f8e8m0),
    ("float8_e4m3fnuz", .f8e4m3fnuz), ("float8_e5m2fnuz", .f8e5m2fnuz),
  ]
}
