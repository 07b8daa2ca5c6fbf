import FirnFiles
package import FirnGraph

/// Reads what `torch.save` writes since PyTorch 1.6: a zip file of one pickle and the bytes of each storage.
///
/// Nested dictionaries and lists become one list of names joined by dots, as a state dict itself does; what is no
/// tensor, such as an epoch, becomes metadata. Tensors that share a storage have the same `WeightEntry.storage`.
package enum PyTorchReader {
  /// The folder in which a PyTorch file keeps everything; nil for other zip files.
  static func root(of archive: ZipArchive) -> String? {
    guard let first = archive.entries.first(where: { $0.name.hasSuffix("/data.pkl") }) else { return nil }
    return String(first.name.dropLast("data.pkl".count))
  }

  /// Whether these are the first bytes of a file from before version 1.6: a tar file, or a pickled magic number.
  static func isLegacy(_ bytes: Bytes) -> Bool {
    let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
    return bytes[0] == 0x80 && bytes.starts(with: magic, at: 2)
      || bytes.starts(with: Array("ustar".utf8), at: 257)
  }

  package static func read(_ archive: ZipArchive, source: String) throws(FirnError) -> Weights {
    let fault = FileFault(source)
    guard let root = root(of: archive), let program = archive[root + "data.pkl"] else {
      throw fault("is no PyTorch file")
    }
    guard archive[root + "constants.pkl"] == nil else {
      throw fault(
        "is a TorchScript module, which holds code",
        remedy: "load it in PyTorch and save its state_dict with torch.save")
    }
    var isBigEndian = false
    if let entry = archive[root + "byteorder"] {
      switch try archive.contents(of: entry).text {
      case "little"?: break
      case "big"?: isBigEndian = true
      default: throw fault("states an unknown order of bytes")
      }
    }
    let pickle = try archive.contents(of: program)
    var unpickler = Unpickler(pickle, fault: fault)
    let value = try unpickler.run()
    var walk = StateDictWalk(unpickler, budget: pickle.count, fault: fault)
    try walk.run(value)

    var keys: [String: Int] = [:]
    for (_, tensor) in walk.tensors { keys[tensor.storage.key, default: 0] += 1 }
    var numbers: [String: Int] = [:]
    var members: [String: CheckedMember] = [:]
    var entries: [WeightEntry] = []
    for (name, tensor) in walk.tensors {
      let key = tensor.storage.key
      guard let member = archive[root + "data/" + key] else {
        throw fault("lacks the bytes of `\(name)`", place: name)
      }
      let range = try extent(of: tensor, named: name, storageSize: member.byteCount, fault: fault)
      var number: Int?
      if keys[key, default: 0] > 1 {
        number = numbers[key] ?? numbers.count
        numbers[key] = number
      }
      let shared = members[key] ?? CheckedMember(member, of: archive, isKept: number != nil)
      members[key] = shared
      let stored = StoredArray(tensor.type, tensor.shape, strides: tensor.strides, isBigEndian: isBigEndian)
      entries.append(
        WeightEntry(
          name: name, stored, storage: number, requiresGradient: tensor.requiresGradient, fault: fault
        ) { () throws(FirnError) in
          guard let bytes = try shared.contents().slice(at: range.start, count: range.count) else {
            throw fault("ends within `\(name)`", place: name)
          }
          return bytes
        })
    }
    return try Weights(source: source, entries: entries, metadata: walk.metadata)
  }

  /// Where the elements lie in the storage, in bytes, checked.
  private static func extent(
    of tensor: PyTorchTensor, named name: String, storageSize: Int, fault: FileFault
  ) throws(FirnError) -> (start: Int, count: Int) {
    let size = tensor.type.bitCount / 8
    let capacity = storageSize / size
    guard tensor.shape.count == tensor.strides.count,
      let count = NDArray.elementCount(of: tensor.shape),
      tensor.storage.count <= storageSize / (tensor.storage.type.map { $0.bitCount / 8 } ?? 1)
    else { throw fault("describes `\(name)` wrongly", place: name) }
    if count == 0 { return (0, 0) }
    var last = 0
    for (extent, stride) in zip(tensor.shape, tensor.strides) {
      let (step, tooFar) = stride.multipliedReportingOverflow(by: extent - 1)
      let (sum, overflow) = last.addingReportingOverflow(step)
      if tooFar || overflow { throw fault("describes `\(name)` wrongly", place: name) }
      last = sum
    }
    guard tensor.offset >= 0, tensor.offset < capacity, last < capacity - tensor.offset else {
      throw fault("places `\(name)` outside its storage", place: name)
    }
    // Strides of 0 repeat elements without end; within what the storage itself takes that is harmless.
    guard count <= max(capacity, 1 << 12) else {
      throw fault(
        "repeats the elements of `\(name)` \(count / capacity) times",
        remedy: "save it with .contiguous()", place: name)
    }
    return (tensor.offset * size, (last + 1) * size)
  }
}
