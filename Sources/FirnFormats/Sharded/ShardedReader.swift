package import FirnFiles
package import FirnGraph

/// Reads weights in several files by the index beside them: `model.safetensors.index.json`, or of other formats.
///
/// The index has `weight_map`, an object from each tensor's name to the file that holds it. Order is the index's.
///
/// Source: Hugging Face's `transformers`, `modeling_utils.py` (`save_pretrained`).
package enum ShardedReader {
  /// Whether these bytes begin like the text of an object, and are not more than an index has; a header of safetensors
  /// may have a length that does.
  static func mayRead(_ bytes: Bytes) -> Bool {
    if SafetensorsReader.mayRead(bytes) || bytes.count > SafetensorsReader.largestHeader { return false }
    var position = 0
    while let byte = bytes[position], byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
    return bytes[position] == UInt8(ascii: "{")
  }

  /// - Parameter open: the bytes of the file at a path.
  package static func read(
    _ index: Bytes, source: String, open: (String) throws(FirnError) -> Bytes
  ) throws(FirnError) -> Weights {
    let fault = FileFault(source)
    var budget = ReadingBudget(index.count, fault: fault)
    guard let map = try parse(index, budget: &budget, fault: fault) else {
      throw ForeignFile.error(of: index, source: source)
    }
    let folder = source.lastIndex(of: "/").map { String(source[...$0]) } ?? ""

    var shards: [(file: String, weights: Weights)] = []
    var places: [String: Int] = [:]
    var entries: [WeightEntry] = []
    entries.reserveCapacity(map.count)
    for (name, file) in map {
      var place = places[file] ?? shards.count
      if place == shards.count {
        shards.append(
          (file, try shard(file, in: folder, for: name, budget: &budget, fault: fault, open: open)))
        places[file] = place
      }
      place = places[file] ?? 0
      guard let entry = shards[place].weights[name] else {
        throw fault(
          "names '\(file)' as the place of `\(name)`, which is not in it",
          remedy: "get index and shards anew",
          place: name)
      }
      // Storages are numbered in each file by itself.
      entries.append(entry.numbering { $0 * map.count + place })
    }
    let named = Set(map.map { ByteName($0.name) })
    var metadata: [Weights.Metadata] = []
    var keys: Set<ByteName> = []
    var skipped: [Weights.Skipped] = []
    for (file, weights) in shards {
      metadata += weights.metadata.filter { keys.insert(ByteName($0.key)).inserted }
      skipped += weights.skipped
      let reason = "it is in '\(file)', but not in the index"
      for entry in weights.entries where !named.contains(ByteName(entry.name)) {
        try budget.take(ReadingBudget.text)
        skipped.append(.init(name: entry.name, reason: reason))
      }
    }
    return try Weights(source: source, entries: entries, metadata: metadata, skipped: skipped)
  }

  private static func shard(
    _ file: String, in folder: String, for name: String, budget: inout ReadingBudget, fault: FileFault,
    open: (String) throws(FirnError) -> Bytes
  ) throws(FirnError) -> Weights {
    let parts = file.split(separator: "/", omittingEmptySubsequences: false)
    // One file under many names would be opened as often.
    guard !parts.contains(".."), !parts.contains("."), !parts.contains("") else {
      throw fault("names the shard '\(file)', which is not below its folder", place: name)
    }
    do {
      let bytes = try open(folder + file)
      // All shards live together: what one takes no other can.
      budget.add(bytes.count, of: FileFault(folder + file))
      return try Weights(bytes, source: folder + file, budget: &budget)
    } catch {
      guard error.code == .file else { throw error }
      throw FirnError(
        .file, "'\(fault.source)' wants the shard '\(file)', for `\(name)` and others: \(error.message)",
        remedy: "put '\(file)' beside the index", place: name)
    }
  }

  /// The map in its order; nil where the text is no index.
  private static func parse(
    _ index: Bytes, budget: inout ReadingBudget, fault: FileFault
  ) throws(FirnError) -> [(name: String, file: String)]? {
    try index.withUnsafeBytes { (raw) throws(FirnError) in
      var map: [(name: String, file: String)]?
      var reader = JSONReader(raw, fault: fault)
      try reader.object { (reader, key) throws(FirnError) in
        guard key == "weight_map" else { return try reader.skip() }
        var rows: [(name: String, file: String)] = []
        try reader.object { (reader, name) throws(FirnError) in
          let file = try reader.string()
          try budget.take(ReadingBudget.member + 4 * name.utf8.count + file.utf8.count)
          rows.append((name, file))
        }
        map = rows
      }
      try reader.end()
      return map
    }
  }
}
