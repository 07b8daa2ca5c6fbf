package import FirnFiles
package import FirnGraph

/// Reads TensorFlow's checkpoints of version 2: `PREFIX.index`, a table, and the shards `PREFIX.data-00000-of-00001`.
///
/// Names are those of the variables: the file's keys where `tf.compat.v1.train.Saver` wrote it, what its graph of
/// objects says where `tf.train.Checkpoint`, Keras or a SavedModel has keys by objects. Text, such as that graph, is
/// skipped.
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
    var budget = ReadingBudget(index.count, fault: FileFault(prefix + ".index"))
    return try read(index: index, prefix: prefix, budget: &budget, open: open)
  }

  static func read(
    index: Bytes, prefix: String, budget: inout ReadingBudget, open: (String) throws(FirnError) -> Bytes
  ) throws(FirnError) -> Weights {
    let fault = FileFault(prefix + ".index")
    guard index.starts(with: TensorFlowTable.magic, at: index.count - 8) else {
      throw fault("is no index of a TensorFlow checkpoint")
    }
    let table = try TensorFlowTable(index, budget: &budget, fault: fault)
    guard let header = table.rows.first, header.key.isEmpty else { throw fault("has no header") }
    let (shardCount, isBigEndian) = try parse(header.value, fault: fault)

    var shards: [Int: Bytes] = [:]
    var rows: [Row] = []
    var objects: TensorFlowObjects?
    var skipped: [Weights.Skipped] = []
    func shard(_ entry: TensorFlowEntry) throws(FirnError) -> (path: String, bytes: Bytes) {
      let path = prefix + ".data-\(padded(entry.shard))-of-\(padded(shardCount))"
      if let bytes = shards[entry.shard] { return (path, bytes) }
      let bytes = try open(path)
      shards[entry.shard] = bytes
      return (path, bytes)
    }
    for (key, value) in table.rows.dropFirst() {
      // Slices of a partitioned variable have keys that are no text; the entry under its name refuses them.
      guard let name = String(validating: key, as: UTF8.self) else { continue }
      let entry = try TensorFlowEntry(value, fault: fault)
      try budget.takeMadeEntry(name, rank: entry.shape.count)
      let (typeName, type) = TensorFlowEntry.types[entry.type] ?? ("type \(entry.type)", nil)
      guard let type else {
        if name == TensorFlowObjects.key, entry.shard < shardCount {
          let (path, bytes) = try shard(entry)
          guard let tensor = bytes.slice(at: entry.offset, count: entry.size) else {
            throw FileFault(path)("ends within `\(name)`", place: name)
          }
          let message = try TensorFlowObjects.message(
            in: tensor, checksum: entry.checksum, fault: FileFault(path))
          budget.add(message.count, of: FileFault(path))
          objects = try TensorFlowObjects(message, budget: &budget, fault: FileFault(path))
        }
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

      let (path, all) = try shard(entry)
      guard let bytes = all.slice(at: entry.offset, count: size) else {
        throw FileFault(path)("ends within `\(name)`", place: name)
      }
      rows.append(
        Row(key: name, entry: entry, array: StoredArray(type, entry.shape, isBigEndian: isBigEndian)) {
          () throws(FirnError) in
          let checksum = CyclicRedundancyCheck.castagnoli.checksum(bytes)
          guard CyclicRedundancyCheck.masked(checksum) == entry.checksum else {
            throw FileFault(path)("holds `\(name)` with a wrong checksum", place: name)
          }
          return bytes
        })
    }
    let names = names(of: rows, objects: objects, &skipped)
    let entries = zip(rows, names).compactMap { (row, name) in
      name.map { WeightEntry(name: $0, row.array, fault: fault, bytes: row.bytes) }
    }
    return try Weights(source: prefix, entries: entries, skipped: skipped)
  }

  private struct Row {
    var key: String
    var entry: TensorFlowEntry
    var array: StoredArray
    var bytes: @Sendable () throws(FirnError) -> Bytes

    func content(named name: String) -> Content {
      Content(name: ByteName(name), type: array.type, shape: array.shape, checksum: entry.checksum)
    }
  }

  private struct Content: Hashable {
    var name: ByteName
    var type: StoredType
    var shape: [Int]
    var checksum: UInt32
  }

  /// What each row is called; nil for one that only repeats another.
  ///
  /// A SavedModel holds most variables twice, by layers and in one list: of that list what equals another of its name is
  /// left out, one for one. Different variables of one name, whatever their elements, keep the paths of their objects.
  private static func names(
    of rows: [Row], objects: TensorFlowObjects?, _ skipped: inout [Weights.Skipped]
  ) -> [String?] {
    guard let objects else { return rows.map(\.key) }
    let called = rows.map { objects.name(of: $0.key) }
    var unlisted: [Content: Int] = [:]
    for (row, name) in zip(rows, called) where !TensorFlowObjects.isListed(row.key) {
      unlisted[row.content(named: name), default: 0] += 1
    }
    let isCopy = zip(rows, called).map { row, name in
      let content = row.content(named: name)
      guard TensorFlowObjects.isListed(row.key), let count = unlisted[content], count > 0 else {
        return false
      }
      unlisted[content] = count - 1
      return true
    }
    var counts: [ByteName: Int] = [:]
    for (place, name) in called.enumerated() where !isCopy[place] { counts[ByteName(name), default: 0] += 1 }
    var taken: Set<ByteName> = []
    return rows.enumerated().map { (place, row) in
      let name = called[place]
      if isCopy[place] {
        skipped.append(.init(name: row.key, reason: "its elements are those of `\(name)`"))
        return nil
      }
      if counts[ByteName(name)] == 1, taken.insert(ByteName(name)).inserted { return name }
      let path = TensorFlowObjects.plain(row.key)
      // A key is unique, whatever others are called.
      return taken.insert(ByteName(path)).inserted ? path : row.key
    }
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
