import FirnFiles
import CFirnAllocations
import FirnFormats
import FirnGraph
import Foundation

/// A format under fuzzing: how its files are damaged, and what each reader owes whatever it is given.
enum FuzzTarget: String, CaseIterable {
  case safetensors, npy, npz, pytorch, tensorflow

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
    case .tensorflow: ["objects.index", "names.index"]
    }
  }

  /// Reads `count` damaged files; every second one has its outer layers, such as checksums, made whole again.
  func run(count: Int, seed: UInt64 = 1) throws -> Outcome {
    let originals = try files.map { [UInt8](try Data(contentsOf: WeightFixtures.url($0))) }
    let parts = try originals.map { self == .npz || self == .pytorch ? try FileParts.entries(of: $0) : [] }
    let blocks = originals.map { self == .tensorflow ? FileParts.block(of: $0) : [] }
    let shards = try files.map { name in
      self == .tensorflow
        ? [UInt8](try Data(contentsOf: WeightFixtures.url(name.dropLast(5) + "data-00000-of-00001"))) : []
    }
    var outcome = Outcome()
    for index in 0..<count {
      var mutator = Mutator(seed: seed &+ UInt64(index) &* 0x1_0000_0001)
      let file = mutator.below(files.count)
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
        case .npz, .pytorch:
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
