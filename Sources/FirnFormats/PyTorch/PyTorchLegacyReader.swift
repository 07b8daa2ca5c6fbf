import FirnFiles
import FirnGraph

/// Reads what `torch.save` wrote before PyTorch 1.6: five pickles, one behind the other, and then the storages.
///
/// The pickles are a magic number, the format's version, the machine, what was saved, and the keys of its storages.
/// Each storage is a count of elements and their bytes, the lowest first whatever the machine.
///
/// Source: `_legacy_load` in `torch/serialization.py`.
package enum PyTorchLegacyReader {
  /// The pickled magic number 0x1950a86a20f9469cfc6c and the pickle's end.
  private static let magic: [UInt8] = [
    0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
  ]
  private static let version = 1001

  /// Where the second pickle begins; nil where these are not the first bytes of such a file.
  private static func start(of bytes: Bytes) -> Int? {
    // Behind the protocol, and from protocol 4 on a frame.
    guard bytes[0] == 0x80 else { return nil }
    return [2, 11].first { bytes.starts(with: magic, at: $0) }.map { $0 + magic.count }
  }

  static func reads(_ bytes: Bytes) -> Bool { start(of: bytes) != nil }

  /// - Parameter budget: one for all the pickles, of which what is kept lives at the same time.
  static func read(
    _ bytes: Bytes, source: String, budget: inout ReadingBudget
  ) throws(FirnError) -> Weights {
    let fault = FileFault(source)
    guard var position = start(of: bytes) else { throw fault("is no PyTorch file") }
    func next() throws(FirnError) -> (PickleValue, Unpickler) {
      var unpickler = Unpickler(bytes, at: position, budget: budget, fault: fault)
      let value = try unpickler.run()
      position = unpickler.position
      budget = unpickler.budget
      return (value, unpickler)
    }
    guard case .integer(version) = try next().0 else {
      throw fault("is a PyTorch file of an unknown version", remedy: "save it anew with torch.save")
    }
    let (machine, notes) = try next()
    guard case .dictionary = machine, notes.names.isEmpty else {
      throw fault("describes the machine that wrote it by more than numbers", place: notes.names.first)
    }
    let (value, unpickler) = try next()
    var walk = StateDictWalk(unpickler, budget: budget, fault: fault)
    try walk.run(value)
    let (keys, list) = try next()
    guard case .list(let index) = keys else { throw fault("has no list of storages") }
    let storages = try storages(
      list.sequences[index], described: unpickler.storages, in: bytes, at: position, fault: fault)
    let entries = try PyTorchReader.entries(of: walk, fault: fault) { (key, _) in
      storages[key].map { bytes in PyTorchStorage(byteCount: bytes.count) { () throws(FirnError) in bytes } }
    }
    return try Weights(source: source, entries: entries, metadata: walk.metadata, skipped: walk.skipped)
  }

  private static func storages(
    _ keys: [PickleValue], described: [PyTorchTensor.Storage], in bytes: Bytes, at position: Int,
    fault: FileFault
  ) throws(FirnError) -> [String: Bytes] {
    var sizes: [String: Int] = [:]
    for storage in described where sizes[storage.key] == nil {
      sizes[storage.key] = storage.type.map { $0.bitCount / 8 } ?? 1
    }
    var storages: [String: Bytes] = [:]
    var reader = ByteReader(bytes, at: position, fault: fault)
    for key in keys {
      guard case .text(let key) = key, let size = sizes[key] else {
        throw fault("lists a storage that it does not describe")
      }
      let (count, overflow) = try reader.size(Int64.self).multipliedReportingOverflow(by: size)
      guard !overflow else { throw fault("states an impossible size") }
      guard storages.updateValue(try reader.take(count), forKey: key) == nil else {
        throw fault("holds the storage `\(key)` twice")
      }
    }
    guard reader.isAtEnd else { throw fault("goes on after its last storage") }
    return storages
  }
}
