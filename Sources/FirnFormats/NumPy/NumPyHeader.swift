package import FirnFiles
package import FirnGraph

/// The head of a `.npy` file: a magic word, a version and a Python dictionary as text.
///
/// Source: NumPy Enhancement Proposal 1 and `numpy/lib/_format_impl.py`.
package struct NumPyHeader {
  package static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// What NumPy itself reads of a header at most.
  package static let longest = 10_000
  /// Of an array, from NumPy 2 on; before it 32.
  package static let mostAxes = 64

  package let array: StoredArray
  /// Where the elements start.
  package let byteCount: Int

  package init(_ bytes: Bytes, fault: FileFault) throws(FirnError) {
    var reader = ByteReader(bytes, fault: fault)
    guard try reader.take(6).starts(with: Self.magic) else { throw fault("is no .npy file") }
    let version = (try reader.integer(UInt8.self), try reader.integer(UInt8.self))
    guard 1...3 ~= version.0, version.1 == 0 else {
      throw fault("has .npy version \(version.0).\(version.1)", remedy: "save it anew with NumPy")
    }
    let length = version.0 == 1 ? try reader.size(UInt16.self) : try reader.size(UInt32.self)
    guard length <= Self.longest else {
      throw fault("has a header of \(length) bytes, more than \(Self.longest)")
    }
    let raw = try reader.take(length)
    byteCount = reader.position
    // Before version 3 the text is Latin-1; what lies beyond ASCII are names of fields, refused either way.
    guard let text = raw.text else { throw fault("has a header that is no text") }
    var literal = PythonLiteral(text, fault: fault)
    array = try Self.array(try literal.dictionary(), fault: fault)
  }

  private static func array(
    _ members: [(key: String, value: PythonLiteral.Value)], fault: FileFault
  ) throws(FirnError) -> StoredArray {
    var type: (StoredType, isBigEndian: Bool)?
    var isColumnMajor: Bool?
    var shape: [Int]?
    for (key, value) in members {
      switch (key, value) {
      case ("descr", .string(let word)): type = try element(word, fault: fault)
      case ("descr", .list):
        throw fault("holds records (a structured type)", remedy: "save each field as an array of its own")
      case ("fortran_order", .bool(let flag)): isColumnMajor = flag
      case ("shape", .tuple(let extents)): shape = extents
      default: throw fault("has a header with an unknown or wrong `\(key)`")
      }
    }
    guard let type, let isColumnMajor, let shape, members.count == 3 else {
      throw fault("has a header without descr, fortran_order and shape")
    }
    guard shape.count <= mostAxes else {
      throw fault("has an array of \(shape.count) axes, more than NumPy's \(mostAxes)")
    }
    guard let count = NDArray.elementCount(of: shape),
      !count.multipliedReportingOverflow(by: type.0.bitCount).overflow
    else { throw fault("has an impossible shape") }
    var strides: [Int]?
    if isColumnMajor && count > 0 {
      var stride = 1
      strides = shape.map { extent in
        defer { stride *= extent }
        return stride
      }
    }
    return StoredArray(type.0, shape, strides: strides, isBigEndian: type.isBigEndian)
  }

  private static let types: [(String, StoredType)] = [
    ("b1", .bool), ("i1", .i8), ("i2", .i16), ("i4", .i32), ("i8", .i64), ("u1", .u8), ("u2", .u16),
    ("u4", .u32), ("u8", .u64), ("f2", .f16), ("f4", .f32), ("f8", .f64), ("c8", .complex64),
    ("c16", .complex128),
  ]

  private static func element(_ word: String, fault: FileFault) throws(FirnError) -> (StoredType, Bool) {
    let order = word.first.flatMap { "<>|=".contains($0) ? $0 : nil }
    let name = order == nil ? word : String(word.dropFirst())
    if let type = types.first(where: { $0.0 == name })?.1 { return (type, order == ">") }
    let kinds: [Character: String] = [
      "O": "Python objects", "U": "text", "S": "byte strings", "a": "byte strings", "V": "raw records",
      "M": "dates", "m": "durations",
    ]
    let kind = name.first.flatMap { kinds[$0] } ?? "elements of an unknown type"
    throw fault("holds \(kind) (`\(word)`)", remedy: "save numbers: NumPy's bool, integer or float types")
  }

  /// The head NumPy writes before these elements: version 1, padded to 64 bytes, with room for the first axis to grow.
  ///
  /// - Throws: for types NumPy has not, such as `bf16`.
  package static func written(_ entry: WeightEntry) throws(FirnError) -> [UInt8] {
    guard let word = types.first(where: { $0.1 == entry.storedType })?.0 else {
      throw FirnError(
        .invalidArgument, "`\(entry.name)` is \(entry.storedType.rawValue), which NumPy has not",
        remedy: "convert it to f32, or write safetensors", place: entry.name)
    }
    guard entry.shape.count <= mostAxes else {
      throw FirnError(
        .invalidArgument,
        "`\(entry.name)` has \(entry.shape.count) axes, and an array of NumPy at most \(mostAxes)",
        remedy: "reshape it, or write safetensors", place: entry.name)
    }
    let descr = (entry.storedType.bitCount > 8 ? "<" : "|") + word
    let extents = entry.shape.map(String.init)
    let shape = extents.count == 1 ? "(\(extents[0]),)" : "(\(extents.joined(separator: ", ")))"
    var text = "{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape), }"
    if let first = extents.first { text += String(repeating: " ", count: 21 - first.utf8.count) }
    text += String(repeating: " ", count: 64 - (10 + text.utf8.count + 1) % 64) + "\n"
    let length = UInt16(text.utf8.count)
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
  }
}
