package import FirnFiles
package import FirnGraph

/// Writes what `torch.save` writes of a `state_dict`: a zip file of one pickle and the bytes of each tensor.
///
/// The pickle names nothing but what `torch.load(…, weights_only=True)` allows.
package enum PyTorchWriter {
  package static func write(_ weights: Weights, to file: FileWriter) throws(FirnError) {
    var pickle = Pickle()
    pickle.add([0x80, 2])
    pickle.global("collections", "OrderedDict")
    pickle.add(")R(")
    for (number, entry) in weights.entries.enumerated() {
      try pickle.text(entry.name)
      try pickle.tensor(entry, key: String(number))
    }
    pickle.add("u.")
    var archive = ZipWriter(file)
    try archive.add("archive/data.pkl", header: pickle.bytes, Bytes(copying: []))
    try archive.add("archive/byteorder", header: Array("little".utf8), Bytes(copying: []))
    for (number, entry) in weights.entries.enumerated() {
      try archive.add("archive/data/\(number)", header: [], try entry.storedBytes())
    }
    try archive.add("archive/version", header: Array("3\n".utf8), Bytes(copying: []))
    try archive.finish()
  }

  private struct Pickle {
    var bytes: [UInt8] = []

    mutating func add(_ operations: [UInt8]) { bytes += operations }

    mutating func add(_ operations: String) { bytes += Array(operations.utf8) }

    mutating func global(_ module: String, _ name: String) { add("c\(module)\n\(name)\n") }

    mutating func text(_ text: String) throws(FirnError) {
      guard let count = UInt32(exactly: text.utf8.count) else {
        throw FirnError(.invalidArgument, "a name has \(text.utf8.count) bytes", remedy: "shorten it")
      }
      add("X")
      append(count)
      add(text)
    }

    mutating func integer(_ value: Int) {
      if let short = Int32(exactly: value) {
        add("J")
        append(short)
      } else {
        add([0x8A, 8])
        append(Int64(value))
      }
    }

    mutating func integers(_ values: [Int]) {
      add("(")
      for value in values { integer(value) }
      add("t")
    }

    /// A call of the function that builds a tensor over all of a storage.
    mutating func tensor(_ entry: WeightEntry, key: String) throws(FirnError) {
      let type = entry.storedType
      guard entry.shape.count <= PyTorchTensor.largestRank else {
        throw FirnError(
          .invalidArgument,
          "`\(entry.name)` has \(entry.shape.count) axes, and a tensor of PyTorch at most \(PyTorchTensor.largestRank)",
          remedy: "write safetensors, or reshape it", place: entry.name)
      }
      // The types that came after typed storages are said apart, and their storage counts bytes.
      let storage = PickleGlobal.storages.first { $0.type == type }?.name
      let dtype = storage == nil ? PickleGlobal.types.first { $0.type == type }?.name : nil
      guard storage != nil || dtype != nil else {
        throw FirnError(
          .invalidArgument, "PyTorch has no \(type.rawValue), which `\(entry.name)` is",
          remedy: "write safetensors, or convert it", place: entry.name)
      }
      global("torch._utils", dtype == nil ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3")
      add("((")
      try text("storage")
      if let storage { global("torch", storage) } else { global("torch.storage", "UntypedStorage") }
      try text(key)
      try text("cpu")
      integer(dtype == nil ? entry.shape.elementCount : entry.byteCount)
      add("tQ")
      integer(0)
      integers(entry.shape)
      integers(entry.shape.rowMajorStrides)
      add([0x89])
      global("collections", "OrderedDict")
      add(")R")
      if let dtype { global("torch", dtype) }
      add("tR")
    }

    private mutating func append<Integer: FixedWidthInteger>(_ value: Integer) {
      withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }
  }
}
