import FirnFiles
import CFirnAllocations
import FirnFormats
import FirnGraph
import FirnTestSupport
import Foundation

/// A format under fuzzing: how its files are damaged, and what each reader owes whatever it is given.
enum FuzzTarget: String, CaseIterable {
  case safetensors, npy, npz, pytorch, objects, legacy, tensorflow, objectGraph = "object-graph", index

  struct Outcome {
    var accepted = 0
    var refused = 0
    /// What was wrong, if anything: the seed reproduces it.
    var faults: [String] = []
    /// The most bytes of one array for each byte of its file.
    var largestRatio = 0.0
    /// The most bytes allocated to open a file, whether it was accepted or not, freed ones counted too.
    var mostToOpen = 0
  }

  private var files: [String] {
    switch self {
    case .safetensors: ["all.safetensors", "written.safetensors"]
    case .npy: ["one.npy", "v2.npy", "v3.npy"]
    case .npz: ["stored.npz", "deflated.npz", "fortran.npz", "big-endian.npz", "zip64.npz", "descriptor.npz"]
    case .pytorch: ["state.pt", "checkpoint.pth", "views.pt", "kinds.pt", "protocol4.pt"]
    case .objects: ["foreign/objects.pth", "foreign/objects-4.pth", "foreign/attributes.pth"]
    case .legacy:
      [
        "legacy.pt", "foreign/objects-legacy.pth", "foreign/legacy-views.pth", "foreign/legacy-4.pth",
        "foreign/legacy-2017.pth",
      ]
    case .tensorflow: ["objects.index", "names.index"]
    case .objectGraph, .index: []
    }
  }

  private var isZip: Bool { self == .npz || self == .pytorch || self == .objects }

  /// By its name among the files of weights, or below the folder of all fixtures.
  private static func contents(_ name: String) throws -> [UInt8] {
    let url =
      name.hasPrefix("foreign/")
      ? WeightFixtures.folder.appendingPathComponent(name) : WeightFixtures.url(name)
    return [UInt8](try Data(contentsOf: url))
  }

  /// The index of one shard.
  private static let shardIndex = Array(
    #"""
    {"metadata": {"total_size": 64}, "weight_map": {
      "layers.0.weight": "model-00001-of-00002.safetensors", "layers.1.weight": "model-00001-of-00002.safetensors"}}
    """#.utf8)

  /// The names of three variables, two of one name.
  private static var graphMessage: [UInt8] {
    func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
      [number << 3 | 2, UInt8(bytes.count)] + bytes
    }
    return [("a", "net/w"), ("b", "net/w"), ("c/d", "net/b")].flatMap { (key, name) in
      field(
        1,
        field(1, [8, 1, 0x12, 1, 0x61])
          + field(
            2,
            field(1, Array("VARIABLE_VALUE".utf8)) + field(2, Array(name.utf8))
              + field(3, Array("\(key)/.ATTRIBUTES/VARIABLE_VALUE".utf8))))
    }
  }

  /// Reads `count` damaged files; every second one has its outer layers, such as checksums, made whole again.
  func run(count: Int, seed: UInt64 = 1) throws -> Outcome {
    let originals =
      switch self {
      case .objectGraph: [Self.graphMessage]
      case .index: [Self.shardIndex]
      default: try files.map(Self.contents)
      }
    let parts = try originals.map { isZip ? try FileParts.entries(of: $0) : [] }
    let blocks = originals.map { self == .tensorflow ? FileParts.block(of: $0) : [] }
    let shards: [[UInt8]] =
      switch self {
      case .tensorflow: try files.map { try Self.contents($0.dropLast(5) + "data-00000-of-00001") }
      case .index: [try Self.contents("foreign/sharded/model-00001-of-00002.safetensors")]
      default: originals.map { _ in [] }
      }
    var outcome = Outcome()
    for index in 0..<count {
      var mutator = Mutator(seed: seed &+ UInt64(index) &* 0x1_0000_0001)
      let file = mutator.below(originals.count)
      var bytes = originals[file]
      if index % 2 == 0 {
        mutator.mutate(&bytes)
      } else {
        switch self {
        case .safetensors:
          let length = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
          var header = Array(bytes[8..<8 + length])
          mutator.mutate(&header)
          bytes = FileParts.little(UInt64(header.count)) + header + bytes[(8 + length)...]
        case .npy:
          // Behind the magic word.
          var rest = Array(bytes.dropFirst(8))
          mutator.mutate(&rest)
          bytes = bytes.prefix(8) + rest
        case .npz, .pytorch, .objects:
          var entries = parts[file]
          let pickle = entries.firstIndex { $0.name.hasSuffix("/data.pkl") }
          let entry =
            mutator.below(4) > 0 ? pickle ?? mutator.below(entries.count) : mutator.below(entries.count)
          mutator.mutate(&entries[entry].bytes)
          bytes = FileParts.zip(entries)
        case .tensorflow:
          var block = blocks[file]
          mutator.mutate(&block)
          bytes = FileParts.table(block)
        case .legacy:
          // Behind the magic number and the version.
          var rest = Array(bytes.dropFirst(21))
          mutator.mutate(&rest)
          bytes = bytes.prefix(21) + rest
        case .objectGraph, .index: mutator.mutate(&bytes)
        }
      }
      check(bytes, shard: shards[file], number: index, &outcome)
    }
    return outcome
  }

  private func open(_ bytes: Bytes, shard: Bytes, _ outcome: inout Outcome) throws(FirnError) -> Weights {
    firn_allocations_begin()
    defer { outcome.mostToOpen = max(outcome.mostToOpen, firn_allocated_bytes()) }
    switch self {
    case .objectGraph:
      _ = try TensorFlowObjects(bytes, fault: FileFault("fuzz"))
      return try Weights(source: "fuzz", entries: [])
    case .index:
      return try ShardedReader.read(bytes, source: "fuzz") { _ in shard }
    case .tensorflow: return try TensorFlowReader.read(index: bytes, prefix: "fuzz") { _ in shard }
    default: return try Weights(bytes, source: "fuzz")
    }
  }

  private func check(_ bytes: [UInt8], shard: [UInt8], number: Int, _ outcome: inout Outcome) {
    let size = Double(bytes.count + shard.count)
    do throws(FirnError) {
      let weights = try open(Bytes(copying: bytes), shard: Bytes(copying: shard), &outcome)
      outcome.accepted += 1
      for entry in weights.entries {
        guard let array = try? entry.array() else { continue }
        if array.shape != entry.shape || array.dtype != entry.storedType.dtype {
          outcome.faults.append("\(rawValue) \(number): `\(entry.name)` is \(array.dtype) \(array.shape)")
        }
        // Sum so that every byte is read.
        _ = array.withUnsafeBytes { $0.reduce(0) { $0 &+ $1 } }
        outcome.largestRatio = max(outcome.largestRatio, Double(array.byteCount) / size)
      }
    } catch {
      outcome.refused += 1
      if error.code != .parse && error.code != .file {
        outcome.faults.append("\(rawValue) \(number): \(error.code) \(error.message)")
      }
    }
  }
}
