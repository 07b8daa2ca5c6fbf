package import FirnFiles
internal import FirnGraph

extension WeightEntry {
  /// Rounded to another type of floating-point numbers, to the nearest, ties to even; itself where it holds no such
  /// numbers or has the type already.
  ///
  /// - Precondition: `type` is `f64`, `f32`, `f16` or `bf16`.
  package func rounded(to type: StoredType) -> WeightEntry {
    guard storedType.dtype?.isFloatingPoint == true, storedType != type else { return self }
    let source = self
    let stored = { @Sendable () throws(FirnError) in try source.rounded(elementsTo: type) }
    return WeightEntry(
      name: name, storedType: type, shape: shape, storage: storage, requiresGradient: requiresGradient,
      readStored: stored
    ) { () throws(FirnError) in
      try StoredArray(type, source.shape).array(
        in: stored(), named: source.name, fault: FileFault(source.name))
    }
  }

  private func rounded(elementsTo type: StoredType) throws(FirnError) -> Bytes {
    let bytes = try storedBytes()
    let result = Storage(byteCount: shape.reduce(type.bitCount / 8, *))
    var tooLarge: Double?
    bytes.forEachNumber(storedType) { position, value in
      func put<Bits: BitwiseCopyable>(_ bits: Bits, isInfinite: Bool) {
        if isInfinite, value.isFinite { tooLarge = value }
        result.pointer.storeBytes(
          of: bits, toByteOffset: position * MemoryLayout<Bits>.size, as: Bits.self)
      }
      switch type {
      case .f64: put(value.bitPattern, isInfinite: false)
      case .f32: put(Float(value).bitPattern, isInfinite: Float(value).isInfinite)
      case .f16:
        let bits = HalfPrecision.bits(value, exponentBits: 5)
        put(bits, isInfinite: bits & 0x7FFF == 0x7C00)
      case .bf16:
        let bits = HalfPrecision.bits(value, exponentBits: 8)
        put(bits, isInfinite: bits & 0x7FFF == 0x7F80)
      default: firnBug("WeightEntry", "rounded to \(type)")
      }
    }
    if let tooLarge {
      throw FirnError(
        .invalidArgument, "`\(name)` holds \(tooLarge), which is beyond \(type.rawValue)",
        remedy: type == .f16 ? "bf16 reaches as far as f32" : "keep it as it is", place: name)
    }
    return Bytes(result)
  }
}

extension Bytes {
  /// Calls `body` with the position and value of each element; does nothing for types that are no numbers in Firn.
  ///
  /// Integers beyond 2⁵³ are rounded.
  package func forEachNumber(_ type: StoredType, _ body: (Int, Double) -> Void) {
    func each<Stored: BitwiseCopyable>(_ value: (Stored) -> Double) {
      withUnsafeBytes { raw in
        let size = MemoryLayout<Stored>.size
        for position in 0..<raw.count / size {
          body(position, value(raw.loadUnaligned(fromByteOffset: position * size, as: Stored.self)))
        }
      }
    }
    switch type {
    case .f64: each { (bits: UInt64) in Double(bitPattern: bits) }
    case .f32: each { (bits: UInt32) in Double(Float(bitPattern: bits)) }
    case .f16: each { Double(HalfPrecision.binary16($0)) }
    case .bf16: each { Double(HalfPrecision.bfloat16($0)) }
    case .i64: each { (value: Int64) in Double(value) }
    case .i32: each { (value: Int32) in Double(value) }
    case .i16: each { (value: Int16) in Double(value) }
    case .i8: each { (value: Int8) in Double(value) }
    case .u64: each { (value: UInt64) in Double(value) }
    case .u32: each { (value: UInt32) in Double(value) }
    case .u16: each { (value: UInt16) in Double(value) }
    case .u8: each { (value: UInt8) in Double(value) }
    case .bool: each { (value: UInt8) in value == 0 ? 0 : 1 }
    case .complex64, .complex128, .f8e4m3, .f8e5m2, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .f6e2m3, .f6e3m2, .f4:
      break
    }
  }
}
