package import FirnFiles
package import FirnGraph

/// Reads TensorFlow's checkpoints of version 2: `PREFIX.index`, a table, and the shards `PREFIX.data-00000-of-00001`.
///
/// Keys are those of the file: variable names where `tf.compat.v1.train.Saver` wrote it, paths of objects that end in
/// `/.ATTRIBUTES/VARIABLE_VALUE` where `tf.train.Checkpoint` did. Text, such as the graph of objects, is skipped.
///
/// Source: `tensorflow/core/util/tensor_bundle/tensor_bundle.cc`, `core/protobuf/tensor_bundle.proto`.
package enum TensorFlowReader {
  package static func read(index: Bytes, prefix: String) throws(FirnError) -> Weights {
    try read(index: index, prefix: prefix) { (path) throws(FirnError) in try MappedFile.open(path) }
  }

  /// - Parameter open: the bytes of a shard.
  package static func read(
    index: Bytes, prefix: String, open: (String) throws(FirnError) -> Bytes
  ) throws(FirnError) -> Weights {
    let fault = FileFault(prefix + ".index")
    guard index.starts(with: TensorFlowTable.magic, at: index.count - 8) else {
      throw fault("is no index of a TensorFlow checkpoint")
    }
    let table = try TensorFlowTable(index, fault: fault)
    guard let header = table.rows.first, header.key.isEmpty else { throw fault("has no header") }
    let (shardCount, isBigEndian) = try parse(header.value, fault: fault)

    var shards: [Int: Bytes] = [:]
    var entries: [WeightEntry] = []
    var skipped: [Weights.Skipped] = []
    for (key, value) in table.rows.dropFirst() {
      // Slices of a partitioned variable have keys that are no text; the entry under its name refuses them.
      guard let name = String(validating: key, as: UTF8.self) else { continue }
      let entry = try TensorFlowEntry(value, fault: fault)
      let (typeName, type) = TensorFlowEntry.types[entry.type] ?? ("type \(entry.type)", nil)
      guard let type else {
        skipped.append(.init(name: name, reason: "it holds \(typeName), no numbers of a kind Firn has"))
        continue
      }
      guard !entry.isSliced else {
        throw fault(
          "holds `\(name)` in slices (a partitioned variable)",
          remedy: "save it in one piece: without a partitioner", place: name)
      }
      guard let count = NDArray.elementCount(of: entry.shape),
        case let (size, overflow) = count.multipliedReportingOverflow(by: type.bitCount / 8), !overflow,
        size == entry.size, entry.shard < shardCount
      else { throw fault("describes `\(name)` wrongly", place: name) }

      let path = prefix + ".data-\(padded(entry.shard))-of-\(padded(shardCount))"
      if shards[entry.shard] == nil { shards[entry.shard] = try open(path) }
      guard let bytes = shards[entry.shard]?.slice(at: entry.offset, count: size) else {
        throw FileFault(path)("ends within `\(name)`", place: name)
      }
      entries.append(
        WeightEntry(name: name, StoredArray(type, entry.shape, isBigEndian: isBigEndian), fault: fault) {
          () throws(FirnError) in
          let checksum = CyclicRedundancyCheck.castagnoli.checksum(bytes)
          guard CyclicRedundancyCheck.masked(checksum) == entry.checksum else {
            throw FileFault(path)("holds `\(name)` with a wrong checksum", place: name)
          }
          return bytes
        })
    }
    return try Weights(source: prefix, entries: entries, skipped: skipped)
  }

  private static func parse(
    _ bytes: Bytes, fault: FileFault
  ) throws(FirnError) -> (shardCount: Int, isBigEndian: Bool) {
    var shardCount = 0
    var order: UInt64 = 0
    var message = ProtocolBuffer(bytes, fault: fault)
    while let (field, value) = try message.next() {
      switch (field, value) {
      case (1, .varint(let number)): shardCount = Int(clamping: number)
      case (2, .varint(let number)): order = number
      default: break
      }
    }
    guard 1...99_999 ~= shardCount, order <= 1 else { throw fault("has a damaged header") }
    return (shardCount, order == 1)
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
}
