package import FirnFiles
package import FirnGraph

/// A kind of file that is taken for weights and that Firn does not read, with the way from there to one that it does.
package struct ForeignFile: Sendable {
  /// Goes on after "is ".
  package let kind: String
  package let remedy: String
  /// Any of these bytes at these offsets.
  fileprivate let beginnings: [(offset: Int, bytes: [UInt8])]

  fileprivate init(_ kind: String, _ remedy: String, _ beginnings: [(Int, [UInt8])]) {
    self.kind = kind
    self.remedy = remedy
    self.beginnings = beginnings.map { (offset: $0.0, bytes: $0.1) }
  }

  /// By texts that a file begins with.
  fileprivate init(_ kind: String, _ remedy: String, text: String...) {
    self.init(kind, remedy, text.map { (0, Array($0.utf8)) })
  }

  func error(of fault: FileFault) -> FirnError { fault("is \(kind)", remedy: remedy) }

  /// The error of a file that begins with these bytes and of which no reader knows the form.
  package static func error(of bytes: Bytes, source: String) -> FirnError {
    let fault = FileFault(source)
    if bytes.count == 0 { return fault("is empty", remedy: "get the file anew") }
    if let file = known(bytes, source: source) { return file.error(of: fault) }
    let remedy = "give a file of safetensors, of numpy.savez, of torch.save, or a TensorFlow checkpoint"
    let start = bytes.slice(at: 0, count: min(bytes.count, 40)) ?? bytes
    if let text = start.asciiText {
      return fault("is text that begins with \"\(text)\", and no weights", remedy: remedy)
    }
    let digits = start.withUnsafeBytes { $0.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) } }
    return fault(
      "is of no form that Firn knows: it begins with the bytes \(digits.joined(separator: " "))",
      remedy: remedy)
  }

  /// The kind that tells itself by its first bytes or its name.
  static func known(_ bytes: Bytes, source: String) -> ForeignFile? {
    let name = source.split(separator: "/").last ?? ""
    return named.first { name.contains($0.part) }?.file
      ?? table.first { $0.beginnings.contains { bytes.starts(with: $0.bytes, at: $0.offset) } }
  }

  /// The kind of a zip file with members of these names, by the first that tells; nil where none does.
  static func of(members: [String]) -> ForeignFile? {
    archives.first { archive in
      members.contains { $0 == archive.member || $0.hasSuffix("/" + archive.member) }
    }?
    .file
  }

  // MARK: Tables

  private static let fromKeras =
    "load it in Keras and write numpy.savez(\"weights.npz\", **{v.path: v.numpy() for v in model.variables})"
  private static let unpack = "unpack it first: "

  /// By the first bytes, the more telling first.
  private static let table: [ForeignFile] = [
    ForeignFile(
      "an HDF5 file, such as Keras writes as .h5", fromKeras,
      // Behind a block of the user's own it begins at a power of two.
      [0, 512, 1024, 2048, 4096].map { ($0, [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]) }),
    ForeignFile("packed by gzip", unpack + "gunzip FILE, or tar -xzf FILE", [(0, [0x1F, 0x8B])]),
    ForeignFile("packed by bzip2", unpack + "bunzip2 FILE, or tar -xjf FILE", text: "BZh"),
    ForeignFile(
      "packed by xz", unpack + "unxz FILE, or tar -xJf FILE", [(0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0])]),
    ForeignFile("packed by Zstandard", unpack + "unzstd FILE", [(0, [0x28, 0xB5, 0x2F, 0xFD])]),
    ForeignFile("a 7z archive", unpack + "7z x FILE", [(0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C])]),
    ForeignFile("a RAR archive", unpack + "unrar x FILE", text: "Rar!"),
    ForeignFile(
      "a tar archive",
      "unpack it (tar -xf FILE); if torch.save of before 2017 wrote it, load it in PyTorch and "
        + "save its state_dict with torch.save",
      [(257, Array("ustar".utf8))]),
    ForeignFile(
      "a GGUF file, whose weights are laid out and often rounded for llama.cpp",
      "take the safetensors files of the model that it was made of", text: "GGUF"),
    ForeignFile(
      "a TensorFlow Lite model", "take the Keras model or checkpoint that it was converted from",
      [(4, Array("TFL3".utf8))]),
    ForeignFile(
      "the graph of a TensorFlow SavedModel, whose weights lie beside it", "name its folder",
      [(0, [8, 1, 0x12])]),
    ForeignFile(
      "an ONNX model",
      "read it whole, graph and weights: `ONNXModel(contentsOfFile:)`, or `firn convert FILE model.firn`; "
        + "`firn weights` lists its initialisers",
      (3...20).flatMap { version in
        // The version of the form, then producer, domain, model version, notes, graph or operator sets.
        [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42].map { (0, [8, version, $0]) }
      }),
    ForeignFile(
      "a Python pickle that torch.save did not write",
      "load it in Python, if you trust it, and write its arrays with numpy.savez(\"weights.npz\", **arrays)",
      (2...5).map { (0, [0x80, $0]) }),
    ForeignFile(
      "a MATLAB file",
      "write its arrays in Python with numpy.savez(\"weights.npz\", **scipy.io.loadmat(FILE))",
      text: "MATLAB "),
    ForeignFile(
      "a pointer of Git LFS, and not the file itself", "get the file: git lfs pull",
      text: "version https://git-lfs"),
    ForeignFile(
      "a web page, and not the file itself", "download the file that the page leads to",
      text: "<!DOCTYPE", "<!doctype", "<html", "<HTML", "<?xml"),
    ForeignFile(
      "the list of a folder's TensorFlow checkpoints",
      "name a checkpoint in it by its prefix: model.ckpt-1000",
      text: "model_checkpoint_path:"),
    ForeignFile(
      "JSON text without a weight_map, and no weights",
      "name the file of weights beside it, or its *.index.json",
      text: "{", "["),
  ]

  /// By a part of the name, where the bytes say nothing.
  private static let named: [(part: String, file: ForeignFile)] = [
    (
      ".data-0",
      ForeignFile(
        "a shard of a TensorFlow checkpoint", "name the checkpoint by its prefix or its .index file", [])
    ),
    (
      ".ckpt.meta",
      ForeignFile(
        "the graph of a TensorFlow checkpoint", "name the checkpoint by its prefix: without .meta", [])
    ),
  ]

  /// Zip files, by a member.
  private static let archives: [(member: String, file: ForeignFile)] = [
    ("model.weights.h5", ForeignFile("a Keras model (.keras)", fromKeras, [])),
    (
      "constants.pkl",
      ForeignFile(
        "a TorchScript module, which holds code",
        "write its weights in PyTorch: torch.save(torch.jit.load(FILE).state_dict(), \"weights.pth\")", [])
    ),
    (
      "models/model.json",
      ForeignFile(
        "a program of torch.export (.pt2)",
        "write its weights in PyTorch: torch.save(torch.export.load(FILE).state_dict, \"weights.pth\")", [])
    ),
    (
      "serialized_exported_program.json",
      ForeignFile(
        "a program of torch.export (.pt2)",
        "write its weights in PyTorch: torch.save(torch.export.load(FILE).state_dict, \"weights.pth\")", [])
    ),
  ]
}

extension Bytes {
  /// The first line, where all is printable ASCII; nil where it is not.
  fileprivate var asciiText: String? {
    withUnsafeBytes { bytes in
      guard bytes.allSatisfy({ 0x20...0x7E ~= $0 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }) else {
        return nil
      }
      let text = String(decoding: bytes, as: UTF8.self)
      return text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }
  }
}
