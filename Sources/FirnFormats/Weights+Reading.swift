package import FirnFiles
public import FirnGraph

extension Weights {
  /// The weights in the file at `path`, of whichever format its bytes show; tensors are read when asked for.
  ///
  /// Safetensors, NumPy `.npy` and `.npz`, PyTorch's zip files and TensorFlow checkpoints (`path` is their prefix or
  /// `.index` file). Nothing in a file is ever executed. The file is mapped, not read: do not cut it short while the
  /// weights are in use.
  ///
  /// - Throws: `.file` where the file cannot be read, `.parse` where it is of no known format or damaged; both with
  ///   what to do instead.
  /// - Complexity: that of the file's directory of tensors; none of their elements is touched.
  public init(contentsOf path: String) throws(FirnError) {
    let bytes: Bytes
    do {
      bytes = try MappedFile.open(path)
    } catch {
      guard let index = try? MappedFile.open(path + ".index") else { throw error }
      self = try TensorFlowReader.read(index: index, prefix: path)
      return
    }
    self = try Weights(bytes, source: path)
  }

  /// The weights in the bytes of a file; `source` is its path.
  package init(_ bytes: Bytes, source: String) throws(FirnError) {
    let fault = FileFault(source)
    if bytes.starts(with: NumPyHeader.magic) {
      self = try NumPyReader.read(bytes, source: source)
    } else if bytes.starts(with: ZipArchive.magic) || bytes.starts(with: ZipArchive.emptyMagic) {
      let archive = try ZipArchive(bytes, fault: fault)
      self =
        try PyTorchReader.root(of: archive) == nil
        ? NumPyReader.read(archive, source: source) : PyTorchReader.read(archive, source: source)
    } else if PyTorchReader.isLegacy(bytes) {
      throw fault(
        "is a PyTorch file of the form before version 1.6, which only running its code could read",
        remedy: "load it in PyTorch and save its state_dict with torch.save")
    } else if bytes.starts(with: TensorFlowTable.magic, at: bytes.count - 8) {
      guard source.hasSuffix(".index") else {
        throw fault(
          "is the index of a TensorFlow checkpoint under another name", remedy: "name it PREFIX.index")
      }
      self = try TensorFlowReader.read(index: bytes, prefix: String(source.dropLast(6)))
    } else {
      self = try SafetensorsReader.read(bytes, source: source)
    }
  }
}
