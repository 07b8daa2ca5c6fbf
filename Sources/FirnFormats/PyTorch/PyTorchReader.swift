import FirnFiles
import FirnGraph

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

  /// A pickle that is packed, as no `torch.save` does, may have so many bytes whatever the file's size.
  private static let fewestUnpacked = 1 << 20

  /// - Parameter fileSize: in bytes, as it lies on the disk.
  static func read(
    _ archive: ZipArchive, of fileSize: Int, source: String, budget: inout ReadingBudget
  ) throws(FirnError) -> Weights {
    let fault = FileFault(source)
    var archive = archive
    archive.isChecked = archive.hasChecksums
    guard let root = root(of: archive), let program = archive[root + "data.pkl"] else {
      throw fault("is no PyTorch file")
    }
    guard !archive.entries.contains(where: { $0.name.hasSuffix("/data.pkl") && $0.name != root + "data.pkl" })
    else { throw fault("holds two pickles, of which readers may take either") }
    var isBigEndian = false
    if let entry = archive[root + "byteorder"] {
      switch entry.byteCount > 16 ? nil : try archive.contents(of: entry).text {
      case "little"?: break
      case "big"?: isBigEndian = true
      default: throw fault("states an unknown order of bytes")
      }
    }
    guard program.byteCount <= max(Self.fewestUnpacked, fileSize) else {
      throw fault(
        "has a pickle that unpacks to \(program.byteCount) bytes, more than the whole file's \(fileSize)",
        remedy: "if you trust it, load it in PyTorch and save it anew with torch.save")
    }
    try budget.take(program.isDeflated ? program.byteCount : 0)
    let pickle = try archive.contents(of: program)
    var unpickler = Unpickler(pickle, budget: budget, fault: fault)
    let value = try unpickler.run()
    guard unpickler.position == pickle.count else { throw fault("has a pickle that goes on after its end") }
    budget = unpickler.budget
    var walk = StateDictWalk(unpickler, budget: budget, fault: fault)
    try walk.run(value)
    let entries = try entries(of: walk, isBigEndian: isBigEndian, fault: fault) { (key, isShared) in
      guard let member = archive[root + "data/" + key] else { return nil }
      let checked = CheckedMember(member, of: archive, isKept: isShared)
      return PyTorchStorage(byteCount: member.byteCount) { () throws(FirnError) in try checked.contents() }
    }
    return try Weights(source: source, entries: entries, metadata: walk.metadata, skipped: walk.skipped)
  }

  /// The tensors that were found, each with its place in its storage, checked.
  ///
  /// - Parameter storage: the bytes of this key, of which several tensors may ask for some; nil where there are none.
  static func entries(
    of walk: StateDictWalk, isBigEndian: Bool = false, fault: FileFault,
    storage: (_ key: String, _ isShared: Bool) -> PyTorchStorage?
  ) throws(FirnError) -> [WeightEntry] {
    var keys: [String: Int] = [:]
    for (_, tensor) in walk.tensors { keys[tensor.storage.key, default: 0] += 1 }
    var numbers: [String: Int] = [:]
    var storages: [String: PyTorchStorage] = [:]
    var entries: [WeightEntry] = []
    for (name, tensor) in walk.tensors {
      let key = tensor.storage.key
      let isShared = keys[key, default: 0] > 1
      guard let shared = storages[key] ?? storage(key, isShared) else {
        throw fault("lacks the bytes of `\(name)`", place: name)
      }
      storages[key] = shared
      let range = try extent(of: tensor, named: name, storageSize: shared.byteCount, fault: fault)
      var number: Int?
      if isShared {
        number = numbers[key] ?? numbers.count
        numbers[key] = number
      }
      let stored = StoredArray(
        tensor.type, tensor.shape, strides: tensor.strides, isBigEndian: isBigEndian,
        signs: tensor.signs)
      entries.append(
        WeightEntry(
          name: name, stored, storage: number, requiresGradient: tensor.requiresGradient, fault: fault
        ) { () throws(FirnError) in
          guard let bytes = try shared.bytes().slice(at: range.start, count: range.count) else {
            throw fault("ends within `\(name)`", place: name)
          }
          return bytes
        })
    }
    return entries
  }

  /// Where the elements lie in the storage, in bytes, checked.
  private static func extent(
    of tensor: PyTorchTensor, named name: String, storageSize: Int, fault: FileFault
  ) throws(FirnError) -> (start: Int, count: Int) {
    let size = tensor.type.bitCount / 8
    let unit = tensor.storage.type.map { $0.bitCount / 8 } ?? 1
    guard tensor.shape.count == tensor.strides.count,
      let count = NDArray.elementCount(of: tensor.shape),
      tensor.storage.count <= storageSize / unit,
      tensor.storage.start <= tensor.storage.count,
      tensor.storage.viewCount ?? 0 <= tensor.storage.count - tensor.storage.start
    else { throw fault("describes `\(name)` wrongly", place: name) }
    // Of the file's bytes those that are the storage's: what lies behind them is another's.
    let end = tensor.storage.viewCount.map { tensor.storage.start + $0 } ?? tensor.storage.count
    let capacity = end * unit / size
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
