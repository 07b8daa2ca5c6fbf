import FirnFiles
import FirnFormats
import FirnGraph

/// TensorProto: elements as they lie in the file, read when they are asked for.
struct TensorMessage: WireMessage {
  var dimensions: [Int] = []
  var elementType = ElementType(0)
  var name = ""
  /// Little-endian elements.
  var raw: Bytes?
  var metadata: [EntryMessage] = []
  /// What an initialiser is in its module, where that is known; not written.
  var kind: Kind?
  private(set) var external: [EntryMessage] = []
  private(set) var isExternal = false
  /// Typed fields: packed runs, each as it lies in the file.
  private var runs: [Bytes] = []
  /// Typed fields that are not packed.
  private var singles: [UInt64] = []
  private var isSegment = false
  /// The field that `runs` and `singles` are of.
  private var typedField: Int?

  enum Kind {
    case parameter
    /// State of a module that no gradient changes.
    case buffer
    /// What the exporter has worked out, or the model's program has made.
    case constant
  }

  init() {}

  /// Elements held in memory.
  init(_ name: String, _ array: NDArray) {
    self.name = name
    dimensions = array.shape
    elementType = ElementType(array.dtype)
    raw = array.withUnsafeBytes { Bytes(copying: Array($0)) }
  }

  /// Integers, as ONNX's shapes want them.
  init(_ name: String, integers: [Int], shape: [Int]? = nil) {
    self.name = name
    dimensions = shape ?? [integers.count]
    elementType = ElementType(7)
    raw = integers.map { Int64($0).littleEndian }.withUnsafeBytes { Bytes(copying: Array($0)) }
  }

  /// Says that the elements lie in a file beside the model.
  mutating func place(in file: String, offset: Int, count: Int) {
    isExternal = true
    external = [("location", file), ("offset", "\(offset)"), ("length", "\(count)")].map { key, value in
      var entry = EntryMessage()
      (entry.key, entry.value) = (key, value)
      return entry
    }
  }

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: dimensions += try field.integers()
    case 2: elementType = ElementType(try field.integer())
    case 3: isSegment = true
    case 4, 5, 7, 10, 11:
      guard typedField ?? field.number == field.number else {
        throw field.context.fault("gives the elements of a tensor in two ways")
      }
      typedField = field.number
      try field.context.take(32)
      switch field.value {
      case .bytes(let bytes): runs.append(bytes)
      case .varint(let bits), .fixed64(let bits): singles.append(bits)
      case .fixed32(let bits): singles.append(UInt64(bits))
      }
    case 8: name = try field.text()
    case 9: raw = try field.bytes()
    case 13: external.append(try field.message())
    case 14: isExternal = try field.integer() == 1
    case 16: metadata.append(try field.message())
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.integers(1, dimensions)
    writer.integer(2, elementType.code)
    writer.text(8, name)
    if let raw { raw.withUnsafeBytes { writer.bytes(9, $0) } }
    writer.messages(13, external)
    if isExternal { writer.integer(14, 1) }
    writer.messages(16, metadata)
  }

  // MARK: Elements

  /// The product of the extents.
  ///
  /// - Throws: `.parse` where an extent is negative or the product no number.
  func elementCount(_ fault: FileFault) throws(FirnError) -> Int {
    guard let count = NDArray.elementCount(of: dimensions) else {
      throw fault("has an impossible shape for `\(name)`", place: name)
    }
    return count
  }

  /// The elements, converted where Firn has not their type; in place where they are mapped and aligned.
  func array(from files: ExternalFiles, fault: FileFault) throws(FirnError) -> NDArray {
    let (type, bytes) = try elements(from: files, fault: fault)
    return try StoredArray(type, dimensions).array(in: bytes, named: name, fault: fault)
  }

  /// The elements of an integer or truth-value tensor, at their full width.
  func integers(from files: ExternalFiles, fault: FileFault) throws(FirnError) -> [Int] {
    let (type, bytes) = try elements(from: files, fault: fault)
    let count = try elementCount(fault)
    func all<Integer: FixedWidthInteger & BitwiseCopyable>(_: Integer.Type) -> [Int] {
      bytes.withUnsafeBytes { raw in
        (0..<count).map { index in
          Int(
            clamping: Integer(
              littleEndian: raw.loadUnaligned(
                fromByteOffset: index * MemoryLayout<Integer>.size, as: Integer.self)))
        }
      }
    }
    switch type {
    case .i64: return all(Int64.self)
    case .i32: return all(Int32.self)
    case .i16: return all(Int16.self)
    case .i8: return all(Int8.self)
    case .u64: return all(UInt64.self)
    case .u32: return all(UInt32.self)
    case .u16: return all(UInt16.self)
    case .u8: return all(UInt8.self)
    case .bool: return all(UInt8.self).map { $0 == 0 ? 0 : 1 }
    default: throw fault("holds `\(name)` as \(type.rawValue) where integers are wanted", place: name)
    }
  }

  /// The type and the bytes of the elements, little-endian, in row-major order.
  func elements(
    from files: ExternalFiles, fault: FileFault
  ) throws(FirnError) -> (StoredType, Bytes) {
    guard let type = elementType.stored else {
      throw fault(
        "holds `\(name)` as \(elementType.name), which Firn has not",
        remedy: "convert it to float32 where it was exported", place: name)
    }
    if isSegment { throw fault("holds `\(name)` in segments, which nothing writes", place: name) }
    let count = try elementCount(fault)
    let (size, overflows) = count.multipliedReportingOverflow(by: type.bitCount / 8)
    if overflows { throw fault("has an impossible shape for `\(name)`", place: name) }
    let bytes: Bytes
    if isExternal {
      bytes = try files.bytes(of: self, count: size)
    } else if let raw {
      bytes = raw
    } else {
      bytes = try typedElements(type, count: count, fault: fault)
    }
    guard bytes.count == size else {
      throw fault(
        "gives `\(name)` \(bytes.count) bytes, where its shape \(Shape(dimensions)) of \(elementType.name) takes \(size)",
        place: name)
    }
    return (type, bytes)
  }

  /// Elements of typed fields, as they would lie in raw bytes.
  private func typedElements(_ type: StoredType, count: Int, fault: FileFault) throws(FirnError) -> Bytes {
    let isFixed = typedField == 4 || typedField == 10
    if isFixed, runs.count == 1, singles.isEmpty { return runs[0] }
    var result: [UInt8] = []
    let size = type.bitCount / 8
    func append(_ bits: UInt64) {
      var bits = bits.littleEndian
      Swift.withUnsafeBytes(of: &bits) { result.append(contentsOf: $0.prefix(size)) }
    }
    func add(_ bits: UInt64) throws(FirnError) {
      // A shape that is wrong must not let a few bytes become many.
      guard result.count / size < count else {
        throw fault("gives `\(name)` more than \(count) elements", place: name)
      }
      append(bits)
    }
    for run in runs {
      var reader = ByteReader(run, fault: fault)
      while !reader.isAtEnd {
        switch typedField {
        case 4: try add(UInt64(try reader.integer(UInt32.self)))
        case 10: try add(try reader.integer(UInt64.self))
        default: try add(try reader.varint())
        }
      }
    }
    for bits in singles { try add(bits) }
    return Bytes(copying: result)
  }
}
