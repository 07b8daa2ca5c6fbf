package import FirnFiles
package import FirnGraph

/// Reads safetensors files: a length, that many bytes of JSON, and the tensors' bytes without a gap.
///
/// Accepts and refuses what the reference does (huggingface/safetensors, `safetensors/src/tensor.rs`), but a key that
/// stands twice, an extent of 2⁶³ and beyond, and a tensor described by a list instead of an object are refused too.
package enum SafetensorsReader {
  static let largestHeader = 100_000_000
  /// Which no tensor can be called.
  static let metadataKey = "__metadata__"

  /// Whether these bytes begin as such a file: with a length that a header may have, and an object or space.
  static func mayRead(_ bytes: Bytes) -> Bool {
    guard let length = bytes.integer(at: 0, as: UInt64.self), length <= largestHeader else { return false }
    return bytes.count == 8 || [0x7B, 0x20, 0x0A, 0x0D, 0x09].contains(bytes[8])
  }

  package static func read(_ bytes: Bytes, source: String) throws(FirnError) -> Weights {
    var budget = ReadingBudget(bytes.count, fault: FileFault(source))
    return try read(bytes, source: source, budget: &budget)
  }

  static func read(
    _ bytes: Bytes, source: String, budget: inout ReadingBudget
  ) throws(FirnError) -> Weights {
    let fault = FileFault(source)
    guard let length = bytes.integer(at: 0, as: UInt64.self) else {
      throw fault("is too short for safetensors")
    }
    guard length <= largestHeader else { throw fault("states a header of \(length) bytes, more than 100 MB") }
    guard let header = bytes.slice(at: 8, count: Int(length)),
      let data = bytes.slice(at: 8 + Int(length), count: bytes.count - 8 - Int(length))
    else { throw fault("ends within its header of \(length) bytes") }

    var (tensors, metadata) = try header.withUnsafeBytes { (raw) throws(FirnError) in
      // It says all that is kept of it, in about as many bytes as that takes.
      budget.add(raw.count, of: fault)
      return try parse(raw, budget: &budget, fault: fault)
    }
    // A stable order also where several empty tensors lie at one place.
    tensors.sort { ($0.begin, $0.end, $0.position) < ($1.begin, $1.end, $1.position) }
    var covered: UInt64 = 0
    var entries: [WeightEntry] = []
    entries.reserveCapacity(tensors.count)
    let part = FilePart(data, fault: fault)
    for tensor in tensors {
      guard tensor.begin == covered, tensor.end >= tensor.begin else {
        throw fault("has a hole or an overlap before `\(tensor.name)`", place: tensor.name)
      }
      covered = tensor.end
      guard tensor.end - tensor.begin == (try tensor.byteCount(fault)) else {
        throw fault(
          "gives `\(tensor.name)` \(tensor.end - tensor.begin) bytes, which its shape does not fill",
          place: tensor.name)
      }
      guard covered <= UInt64(data.count) else {
        throw fault("ends within `\(tensor.name)`", place: tensor.name)
      }
      entries.append(
        WeightEntry(name: tensor.name, tensor.type, tensor.shape, in: part, at: Int(tensor.begin)))
    }
    guard covered == UInt64(data.count) else {
      throw fault("has \(UInt64(data.count) - covered) bytes that belong to no tensor")
    }
    return try Weights(source: source, entries: entries, metadata: metadata)
  }

  private struct Tensor {
    var name: String
    var position: Int
    var type: StoredType
    var shape: [Int]
    var begin: UInt64
    var end: UInt64

    func byteCount(_ fault: FileFault) throws(FirnError) -> UInt64 {
      var bits: UInt64 = 1
      for factor in shape + [type.bitCount] {
        let (product, overflow) = bits.multipliedReportingOverflow(by: UInt64(factor))
        if overflow { throw fault("has an impossible shape for `\(name)`", place: name) }
        bits = product
      }
      guard bits % 8 == 0 else { throw fault("ends `\(name)` within a byte", place: name) }
      return bits / 8
    }
  }

  private static func parse(
    _ header: UnsafeRawBufferPointer, budget: inout ReadingBudget, fault: FileFault
  ) throws(FirnError) -> ([Tensor], [Weights.Metadata]) {
    var tensors: [Tensor] = []
    var metadata: [Weights.Metadata] = []
    var reader = JSONReader(header, fault: fault)
    try reader.object { (reader, name) throws(FirnError) in
      guard name == metadataKey else {
        let tensor = try tensor(
          name, position: tensors.count, from: &reader, budget: &budget, fault: fault)
        try budget.takeEntry(name, rank: tensor.shape.count)
        tensors.append(tensor)
        return
      }
      if try reader.null() { return }
      try reader.object { (reader, key) throws(FirnError) in
        let value = try reader.string()
        try budget.take(4 * ReadingBudget.text + 3 * key.utf8.count + value.utf8.count)
        metadata.append(.init(key: key, value: value))
      }
    }
    try reader.end()
    return (tensors, metadata)
  }

  private static func tensor(
    _ name: String, position: Int, from reader: inout JSONReader, budget: inout ReadingBudget,
    fault: FileFault
  ) throws(FirnError) -> Tensor {
    var type: StoredType?
    var shape: [Int]?
    var offsets: [UInt64]?
    func naturals<Natural: FixedWidthInteger>(_ reader: inout JSONReader) throws(FirnError) -> [Natural] {
      var values: [Natural] = []
      try reader.array { (reader) throws(FirnError) in
        // Before the tensor itself is paid for: one list can be all of the header.
        guard values.count < budget.rest / 32 else {
          throw fault("describes more than a file of its size can hold", place: name)
        }
        guard let value = Natural(exactly: try reader.natural()) else {
          throw fault("has an impossible shape for `\(name)`", place: name)
        }
        values.append(value)
      }
      return values
    }
    try reader.object { (reader, key) throws(FirnError) in
      switch key {
      case "dtype":
        let word = try reader.string()
        type = SafetensorsType(rawValue: word)?.storedType
        if type == nil { throw fault("has elements of the unknown type \(word) in `\(name)`", place: name) }
      case "shape": shape = try naturals(&reader)
      case "data_offsets": offsets = try naturals(&reader)
      default: try reader.skip()
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2 else {
      throw fault("does not give dtype, shape and both data_offsets of `\(name)`", place: name)
    }
    return Tensor(
      name: name, position: position, type: type, shape: shape, begin: offsets[0], end: offsets[1])
  }
}
