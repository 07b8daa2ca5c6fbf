import FirnCompiler
import FirnFiles
import FirnFormats
import FirnGraph
import FirnRuntime

/// What a checkpoint says besides tensors: JSON in the file's metadata.
struct CheckpointRecord: Codable {
  /// The form of the record; a reader refuses any other.
  ///
  /// 4: a digest of each tensor and of the record. 3: selections are `freezing` and `thawing`, graph text has
  /// `loop_input`.
  static let version = 4
  static let key = "firn.checkpoint"
  /// Under which the record's own digest stands.
  static let digestKey = "firn.checkpoint.digest"

  var version = CheckpointRecord.version
  var step: Int
  var metric: Double?
  var position: DataPosition?
  /// Seed and number of runs: all that random ops depend on.
  var seed: UInt64
  var runs: UInt64
  /// What the program was compiled with, in the text form of selections.
  var freezing: String?
  var thawing: String?
  var saving: Saving
  /// SHA-256 of the variables that are not in the file, where some are not.
  var base: String?
  var variables: [SavedVariable]
  var slots: [SavedSlotRecord]
  /// What else the run keeps, each in a form of its own; nil in files that were written without.
  var notes: [String: String]?
  /// All tensors of the file, the graph's text among them.
  var tensors: [SavedTensor]

  /// Read before all else: what a later form holds need not be readable.
  struct Form: Codable {
    var version: Int
  }

  /// What a tensor was when it was written.
  struct SavedTensor: Codable, Hashable {
    var name: String
    /// As in the file: `f32[3,4]`.
    var type: String
    var digest: String

    /// - Throws: where the file turns out to be damaged.
    /// - Complexity: one pass over the elements.
    init(_ entry: WeightEntry) throws(FirnError) {
      name = entry.name
      type = "\(entry.storedType.rawValue)\(Shape(entry.shape))"
      digest = try entry.storedBytes().withUnsafeBytes { Checksum.text(of: $0) }
    }
  }

  struct SavedVariable: Codable {
    var name: String
    var provenance: Provenance
    /// What of it is a first value, where that is a part.
    var initialRegion: Region?

    private enum CodingKeys: String, CodingKey {
      case name, provenance
      case initialRegion = "unset"
    }

    init(name: String, _ origin: Origin) {
      self.name = name
      provenance = origin.provenance
      initialRegion = origin.initialRegion == .whole ? nil : origin.initialRegion
    }

    var origin: Origin {
      Origin(
        provenance: provenance,
        initialRegion: initialRegion ?? (provenance == .initialized ? .whole : nil))
    }
  }

  struct SavedSlotRecord: Codable {
    var name: String
    var role: String
    var optimizer: String
    var variable: String?
    var block: Block?
  }
}

/// What of a session a checkpoint holds.
public enum Saving: String, Hashable, Sendable, Codable {
  /// All variables.
  case everything
  /// Those the program writes: what it trains, and statistics it keeps; where a trainer goes through stages, those that
  /// any stage so far has written. The rest must be there, bit for bit, when the
  /// checkpoint is resumed from, and a digest checks it.
  case trained
}
