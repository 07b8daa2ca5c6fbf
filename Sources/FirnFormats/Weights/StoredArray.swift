package import FirnFiles
package import FirnGraph

/// A tensor as it lies in a file: where its elements are and how they are laid out.
package struct StoredArray: Sendable {
  package var type: StoredType
  package var shape: [Int]
  /// Elements from one index to the next along each axis; nil in row-major order.
  package var strides: [Int]?
  package var isBigEndian: Bool
  /// What is to be done to elements before they are the array's.
  package var signs: Signs

  /// Signs that are turned when elements are read.
  package struct Signs: Hashable, Sendable {
    package var isNegated = false
    /// Of the imaginary part; means nothing of real numbers.
    package var isConjugated = false

    package init() {}

    /// Whether numbers of this type can be negated.
    package func fit(_ type: StoredType) -> Bool {
      switch type {
      case .f64, .f32, .f16, .bf16, .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8, .complex64, .complex128:
        true
      case .bool, .f8e4m3, .f8e5m2, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .f6e2m3, .f6e3m2, .f4: !isNegated
      }
    }
  }

  package init(
    _ type: StoredType, _ shape: [Int], strides: [Int]? = nil, isBigEndian: Bool = false,
    signs: Signs = Signs()
  ) {
    self.type = type
    self.shape = shape
    self.strides = strides == shape.rowMajorStrides ? nil : strides
    self.isBigEndian = isBigEndian
    var signs = signs
    if type != .complex64 && type != .complex128 { signs.isConjugated = false }
    self.signs = signs
  }

  /// The array whose first element `bytes` starts with: in place where Firn has the type, it is aligned and in order.
  ///
  /// - Precondition: all elements lie within `bytes`.
  package func array(in bytes: Bytes, named name: String, fault: FileFault) throws(FirnError) -> NDArray {
    guard let dtype = type.dtype else {
      throw fault(
        "holds `\(name)` as \(type.rawValue), which Firn has not",
        remedy: "convert it to f32 where it was saved",
        place: name)
    }
    let count = shape.elementCount
    let size = type.bitCount / 8
    guard let elements = self.elements(in: bytes).slice(at: 0, count: count * size) else {
      throw fault("ends within `\(name)`", place: name)
    }
    if StoredType(dtype) == type, elements.isAligned(to: size), type != .bool || elements.areTruthValues {
      return NDArray(ArrayType(dtype, shape), in: elements.storage)
    }
    return try elements.withUnsafeBytes { (raw) throws(FirnError) in
      try converted(raw, to: dtype, count: count, named: name, fault: fault)
    }
  }

  /// The elements in row-major order, the lowest byte first: in place where they lie so.
  ///
  /// - Precondition: all elements lie within `bytes`.
  func elements(in bytes: Bytes) -> Bytes {
    if shape.contains(0) { return Bytes(copying: []) }
    return strides != nil || isBigEndian && type.bitCount > 8 || signs != Signs() ? gathered(bytes) : bytes
  }

  private func gathered(_ bytes: Bytes) -> Bytes {
    let size = type.bitCount / 8
    let view = StridedElements(shape, strides: strides ?? shape.rowMajorStrides)
    let result = bytes.withUnsafeBytes { view.gathered(from: $0, byteCount: size) }
    // Both parts of a complex number are turned by themselves.
    let unit = type == .complex64 || type == .complex128 ? size / 2 : size
    if isBigEndian && unit > 1 {
      let bytes = UnsafeMutableRawBufferPointer(start: result.pointer, count: result.byteCount)
      for start in stride(from: 0, to: bytes.count, by: unit) { bytes[start..<start + unit].reverse() }
    }
    turnSigns(of: UnsafeMutableRawBufferPointer(start: result.pointer, count: result.byteCount))
    return Bytes(result)
  }

  /// Turns signs in place, of elements whose lowest byte is the first.
  private func turnSigns(of bytes: UnsafeMutableRawBufferPointer) {
    func negate<Integer: FixedWidthInteger & BitwiseCopyable>(_: Integer.Type) {
      let size = MemoryLayout<Integer>.size
      for start in stride(from: 0, to: bytes.count, by: size) {
        let value = Integer(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Integer.self))
        bytes.storeBytes(of: (0 &- value).littleEndian, toByteOffset: start, as: Integer.self)
      }
    }
    /// The sign is the highest bit of each float's last byte.
    func flip(from first: Int, by step: Int) {
      for last in stride(from: first - 1, to: bytes.count, by: step) { bytes[last] ^= 0x80 }
    }
    let size = type.bitCount / 8
    switch type {
    case .complex64, .complex128:
      if signs.isNegated { flip(from: size / 2, by: size) }
      if signs.isNegated != signs.isConjugated { flip(from: size, by: size) }
    case .f64, .f32, .f16, .bf16: if signs.isNegated { flip(from: size, by: size) }
    case .i64, .u64: if signs.isNegated { negate(UInt64.self) }
    case .i32, .u32: if signs.isNegated { negate(UInt32.self) }
    case .i16, .u16: if signs.isNegated { negate(UInt16.self) }
    case .i8, .u8: if signs.isNegated { negate(UInt8.self) }
    case .bool, .f8e4m3, .f8e5m2, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .f6e2m3, .f6e3m2, .f4: break
    }
  }

  private func converted(
    _ raw: UnsafeRawBufferPointer, to dtype: DType, count: Int, named name: String, fault: FileFault
  ) throws(FirnError) -> NDArray {
    var array = try NDArray(zeros: shape, dtype: dtype)
    func fill<Stored: BitwiseCopyable, Element>(_ convert: (Stored) -> Element) {
      array.withUnsafeMutableBytes { target in
        let target = target.assumingMemoryBound(to: Element.self)
        for i in 0..<count {
          target[i] = convert(
            raw.loadUnaligned(fromByteOffset: i * MemoryLayout<Stored>.size, as: Stored.self))
        }
      }
    }
    func fillChecked<Stored: FixedWidthInteger & BitwiseCopyable>(_: Stored.Type) throws(FirnError) {
      func stored(_ i: Int) -> Stored {
        raw.loadUnaligned(fromByteOffset: i * MemoryLayout<Stored>.size, as: Stored.self)
      }
      for i in 0..<count where Int32(exactly: stored(i)) == nil {
        throw fault(
          "holds \(stored(i)) as element \(i) of `\(name)` (\(type.rawValue)), which is no i32",
          remedy: "save it as i32 or f64", place: name)
      }
      fill { (value: Stored) in Int32(truncatingIfNeeded: value) }
    }
    switch type {
    case .f64: fill { (bits: UInt64) in Double(bitPattern: bits) }
    case .f32: fill { (bits: UInt32) in Float(bitPattern: bits) }
    case .f16: fill { HalfPrecision.binary16($0) }
    case .bf16: fill { HalfPrecision.bfloat16($0) }
    case .i32: fill { (value: Int32) in value }
    case .i16: fill { (value: Int16) in Int32(value) }
    case .i8: fill { (value: Int8) in Int32(value) }
    case .u16: fill { (value: UInt16) in Int32(value) }
    case .u8: fill { (value: UInt8) in Int32(value) }
    case .i64: try fillChecked(Int64.self)
    case .u64: try fillChecked(UInt64.self)
    case .u32: try fillChecked(UInt32.self)
    case .bool: fill { (value: UInt8) in value == 0 ? 0 as UInt8 : 1 }
    case .complex64, .complex128, .f8e4m3, .f8e5m2, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .f6e2m3, .f6e3m2, .f4:
      firnBug("StoredArray", "\(type) has no counterpart")
    }
    return array
  }
}

extension Bytes {
  fileprivate var areTruthValues: Bool {
    withUnsafeBytes { bytes in
      var all: UInt8 = 0
      for byte in bytes { all |= byte }
      return all <= 1
    }
  }
}
