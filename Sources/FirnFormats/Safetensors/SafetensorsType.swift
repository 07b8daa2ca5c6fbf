/// The names safetensors has for types of elements.
enum SafetensorsType: String, CaseIterable {
  // From the one that is written last to the first: the order of the reference's `Dtype`.
  case bool = "BOOL"
  case f4 = "F4"
  case f6e2m3 = "F6_E2M3"
  case f6e3m2 = "F6_E3M2"
  case u8 = "U8"
  case i8 = "I8"
  case f8e5m2 = "F8_E5M2"
  case f8e4m3 = "F8_E4M3"
  case f8e8m0 = "F8_E8M0"
  case f8e4m3fnuz = "F8_E4M3FNUZ"
  case f8e5m2fnuz = "F8_E5M2FNUZ"
  case i16 = "I16"
  case u16 = "U16"
  case f16 = "F16"
  case bf16 = "BF16"
  case i32 = "I32"
  case u32 = "U32"
  case f32 = "F32"
  case complex64 = "C64"
  case f64 = "F64"
  case i64 = "I64"
  case u64 = "U64"

  /// Both enumerations call the types the same.
  private static let storedTypes: [SafetensorsType: StoredType] = Dictionary(
    uniqueKeysWithValues: allCases.compactMap { type in StoredType(rawValue: "\(type)").map { (type, $0) } })
  private static let positions: [StoredType: Int] = Dictionary(
    uniqueKeysWithValues: allCases.enumerated().compactMap { (position, type) in
      type.storedType.map { ($0, position) }
    })

  var storedType: StoredType? { Self.storedTypes[self] }

  /// Nil for `complex128`, which safetensors has not.
  static func position(of type: StoredType) -> Int? { positions[type] }
}
