import FirnFiles
import FirnFormats
import FirnGraph
import Foundation
import Testing

/// Files as people bring them: read as their libraries read them, or refused with the way to one that is read.
@Suite struct ForeignFilesTests {
  static let files = [
    "objects.pth", "objects-4.pth", "objects-legacy.pth", "attributes.pth", "legacy-views.pth",
    "legacy-4.pth",
    "legacy-tensor.pth", "legacy-2017.pth", "sharded/model.safetensors.index.json",
    "binary/pytorch_model.bin.index.json", "exported", "trained", "twice", "one.npz", "script.pth",
    "program.pth", "onnx.npz",
  ]

  @Test func everyFixtureIsListed() throws {
    let fixtures = try WeightFixtures.foreign()
    #expect(Set(Self.files) == Set(fixtures.read.keys))
    #expect(Set(Self.heads.map(\.0)) == Set(fixtures.heads.keys))
  }

  @Test(arguments: files)
  func readsWhatTheLibraryReads(_ file: String) throws {
    let expected = try #require(try WeightFixtures.foreign().read[file])
    let weights = try Weights(contentsOf: WeightFixtures.foreign(file).path)
    try WeightFixtures.expect(weights, toBe: expected)
  }

  /// What the message says it is, and what the remedy names.
  static let heads = [
    ("saved_model.pb", "is the graph of a TensorFlow SavedModel", "name its folder"),
    ("one.h5", "is an HDF5 file", "numpy.savez"), ("one.weights.h5", "is an HDF5 file", "model.variables"),
    ("net.onnx", "is an ONNX model", "ONNXModel"), ("bare.onnx", "is an ONNX model", "firn convert"),
    ("net.gguf", "is a GGUF file", "safetensors"), ("state.pth.gz", "is packed by gzip", "gunzip"),
    ("state.pth.bz2", "is packed by bzip2", "bunzip2"), ("state.pth.xz", "is packed by xz", "unxz"),
    ("state.tar", "is a tar archive", "tar -xf"), ("a-2.pkl", "is a Python pickle", "numpy.savez"),
    ("a-4.pkl", "is a Python pickle", "numpy.savez"), ("config.json", "is JSON text", "*.index.json"),
    ("notes.txt", "is text that begins with \"Weights of the third run\"", "safetensors"),
    ("lfs.safetensors", "is a pointer of Git LFS", "git lfs pull"), ("page.pth", "is a web page", "download"),
    ("checkpoint", "is the list of a folder's TensorFlow checkpoints", "prefix"),
    ("model.ckpt.data-00000-of-00001", "is a shard of a TensorFlow checkpoint", ".index"),
    ("unknown", "begins with the bytes 01 02 03 04 fa 06 07 08", "safetensors"),
  ]

  @Test(arguments: heads)
  func filesOfOtherKindsAreNamed(_ name: String, _ kind: String, _ remedy: String) throws {
    let bytes = WeightFixtures.bytes(try #require(try WeightFixtures.foreign().heads[name]))
    try WeightFixtures.inFolder { folder in
      let path = folder.appendingPathComponent(name).path
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: FirnError.self) { try Weights(contentsOf: path) }
      #expect(error?.code == .parse)
      #expect(error?.message.hasPrefix("'\(path)' ") == true && error?.message.contains(kind) == true)
      #expect(error?.remedy?.contains(remedy) == true)
    }
  }

  @Test(arguments: [
    ("one.keras", "is a Keras model", "numpy.savez"),
    ("script.pt", "is a TorchScript module", "torch.jit.load"),
    ("program.pt2", "is a program of torch.export", "torch.export.load"),
    ("refused-sparse.pth", "`torch._utils._rebuild_sparse_tensor`", "plain tensors"),
    ("refused-module.pth", "inside `net`, an object of `torch.nn.modules.linear.Linear`", "state_dict"),
  ])
  func wholeFilesOfOtherKindsAreNamed(_ name: String, _ kind: String, _ remedy: String) {
    let error = #expect(throws: FirnError.self) {
      try Weights(contentsOf: WeightFixtures.foreign(name).path)
    }
    #expect(error?.code == .parse && error?.message.contains(kind) == true)
    #expect(error?.remedy?.contains(remedy) == true)
  }

  /// Headers of safetensors as long as the first bytes of a pickle, of JSON and of an ONNX model say.
  @Test(
    arguments: [([0x80, 2], 0x280), ([0x7B, 1], 0x17B), ([8, 7, 0x12], 0x12_0708)] as [([UInt8], Int)])
  func lengthsThatLookLikeAnotherFileAreLengths(_ beginning: [UInt8], _ length: Int) throws {
    var header = Array(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.utf8)
    header += [UInt8](repeating: 0x20, count: length - header.count)
    let bytes = FileParts.little(UInt64(header.count)) + header + [0, 0, 128, 63]
    #expect(bytes.starts(with: beginning))
    try WeightFixtures.inFolder { folder in
      let url = folder.appendingPathComponent("a")
      try Data(bytes).write(to: url)
      #expect(try Weights(contentsOf: url.path)["a"]?.array().floats == [1])
    }
  }

  @Test func damagedSafetensorsSayWhatIsWrong() {
    let error = #expect(throws: FirnError.self) {
      try Weights(Bytes(copying: [UInt8](repeating: 0xFF, count: 16)), source: "a.safetensors")
    }
    #expect(error?.message.contains("states a header of") == true)
  }

  @Test func foldersNameTheFilesInThem() {
    let path = WeightFixtures.foreign("sharded").path
    let error = #expect(throws: FirnError.self) { try Weights(contentsOf: path) }
    #expect(error?.code == .file && error?.message == "'\(path)' is a folder")
    #expect(
      error?.remedy
        == "name a file in it: model.safetensors.index.json, model-00001-of-00002.safetensors, model-00002-of-00002.safetensors"
    )
  }

  /// Eight classes that state dicts are saved with, each under its full name, by what is kept of it.
  @Test(arguments: [
    ("args", "it is `argparse.Namespace`, of which Firn makes nothing"),
    ("hyper_parameters", "it is `trainer.AttributeDict`: only its items are read"),
    ("best", "it is `numpy._core.multiarray.scalar`, of which Firn makes nothing"),
    ("path", "it is `pathlib.PurePosixPath`, of which Firn makes nothing"),
    ("history", "it is `collections.defaultdict`: only its items are read"),
    ("phase", "it is `trainer.Phase`, of which Firn makes nothing"),
    ("saved", "it is `datetime.date`, of which Firn makes nothing"),
    ("schedule", "it is `functools.partial`, of which Firn makes nothing"),
    ("kept", "it is `argparse.Namespace`, of which Firn makes nothing; 1 tensor inside is not read"),
  ])
  func foreignObjectsAreListed(_ name: String, _ reason: String) throws {
    for file in ["objects.pth", "objects-4.pth", "objects-legacy.pth"] {
      let weights = try Weights(contentsOf: WeightFixtures.foreign(file).path)
      #expect(weights.skipped.first { $0.name == name }?.reason == reason)
    }
  }
}
