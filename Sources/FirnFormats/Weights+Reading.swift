package import FirnFiles
public import FirnGraph

extension Weights {
  /// The weights in the file at `path`, of whichever format its bytes show; tensors are read when asked for.
  ///
  /// Safetensors, NumPy `.npy` and `.npz`, PyTorch's files, TensorFlow checkpoints (`path` is their prefix or `.index`
  /// file), the folder of a SavedModel, and the `*.index.json` of weights in several files. Nothing in a file is ever
  /// executed. The file is mapped, not read: do not cut it short while the weights are in use.
  ///
  /// - Throws: `.file` where the file cannot be read, `.parse` where it is of no known format or damaged; both with
  ///   what to do instead.
  /// - Complexity: that of the file's directory of tensors; none of their elements is touched.
  public init(contentsOf path: String) throws(FirnError) {
    let bytes: Bytes
    do {
      bytes = try MappedFile.open(path)
    } catch {
      if let index = try? MappedFile.open(path + ".index") {
        self = try TensorFlowReader.read(index: index, prefix: path)
        return
      }
      guard let folder = WeightFolder(path) else { throw error }
      guard let prefix = folder.savedModel else { throw folder.error }
      self = try TensorFlowReader.read(index: try MappedFile.open(prefix + ".index"), prefix: prefix)
      return
    }
    guard ShardedReader.mayRead(bytes) else {
      self = try Weights(bytes, source: path)
      return
    }
    self = try ShardedReader.read(bytes, source: path) { (path) throws(FirnError) in
      try MappedFile.open(path)
    }
  }

  /// Whether bytes that begin so can be those of a file of weights that can be read as a stream.
  package static func mayBegin(_ bytes: Bytes) -> Bool {
    bytes.starts(with: NumPyHeader.magic) || bytes.starts(with: ZipArchive.magic)
      || bytes.starts(with: ZipArchive.emptyMagic) || SafetensorsReader.mayRead(bytes)
      || PyTorchLegacyReader.reads(bytes)
  }

  /// The weights in the bytes of a file; `source` is its path.
  package init(_ bytes: Bytes, source: String) throws(FirnError) {
    var budget = ReadingBudget(bytes.count, fault: FileFault(source))
    try self.init(bytes, source: source, budget: &budget)
  }

  /// - Parameter budget: has been given what these bytes add to it.
  init(_ bytes: Bytes, source: String, budget: inout ReadingBudget) throws(FirnError) {
    let fault = FileFault(source)
    if bytes.starts(with: NumPyHeader.magic) {
      self = try NumPyReader.read(bytes, source: source)
    } else if bytes.starts(with: ZipArchive.magic) || bytes.starts(with: ZipArchive.emptyMagic) {
      let archive = try ZipArchive(bytes, budget: &budget, fault: fault)
      if let foreign = ForeignFile.of(members: archive.entries.map(\.name)) { throw foreign.error(of: fault) }
      self =
        try PyTorchReader.root(of: archive) == nil
        ? NumPyReader.read(archive, source: source, budget: &budget)
        : PyTorchReader.read(archive, of: bytes.count, source: source, budget: &budget)
    } else if SafetensorsReader.mayRead(bytes) {
      self = try SafetensorsReader.read(bytes, source: source, budget: &budget)
    } else if PyTorchLegacyReader.reads(bytes) {
      self = try PyTorchLegacyReader.read(bytes, source: source, budget: &budget)
    } else if bytes.starts(with: TensorFlowTable.magic, at: bytes.count - 8) {
      guard source.hasSuffix(".index") else {
        throw fault(
          "is the index of a TensorFlow checkpoint under another name", remedy: "name it PREFIX.index")
      }
      self = try TensorFlowReader.read(
        index: bytes, prefix: String(source.dropLast(6)), budget: &budget
      ) { (path) throws(FirnError) in try MappedFile.open(path) }
    } else if source.hasSuffix(".safetensors"), ForeignFile.known(bytes, source: source) == nil {
      // Its reader says what is wrong with it.
      self = try SafetensorsReader.read(bytes, source: source, budget: &budget)
    } else {
      throw ForeignFile.error(of: bytes, source: source)
    }
  }
}
