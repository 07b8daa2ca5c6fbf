import FirnGraph

/// Names of PyTorch modules and those of the same weights here.
struct ModuleNames {
  /// Ranks of a file's tensors by name.
  private let ranks: [String: Int]

  /// - Parameter tensors: all of the file, as the tensors of a module tell together what it is.
  init(_ tensors: [(name: String, rank: Int)]) {
    ranks = Dictionary(tensors.map { ($0.name, $0.rank) }, uniquingKeysWith: { $1 })
  }

  /// The variable's path, and how its elements lie.
  func variable(_ name: String) -> (path: String, transform: WeightTransform) {
    var path = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let leaf = path.removeLast()
    let rank = ranks[name] ?? 0
    func sibling(_ leaf: String) -> Int? { ranks[(path + [leaf]).joined(separator: ".")] }
    let (own, transform): (String, WeightTransform) =
      switch leaf {
      case "weight" where rank == 1: ("gamma", .none)
      case "weight" where rank == 2 && sibling("bias") == nil && Self.isTable(path.last ?? ""):
        ("table", .none)
      case "weight" where rank >= 2: ("kernel", Self.kernel(rank))
      case "bias" where sibling("weight") == 1 || sibling("running_mean") != nil: ("beta", .none)
      case "running_mean": ("moving_mean", .none)
      case "running_var": ("moving_variance", .none)
      case "num_batches_tracked": (Self.count, .none)
      default: (leaf, .none)
      }
    return ((path + [own]).joined(separator: "/"), transform)
  }

  /// What a cumulative batch norm calls its count of batches; others have none, though files of PyTorch's do.
  static let count = "batch_count"

  /// Whether a module without bias of this name is an embedding.
  private static func isTable(_ module: String) -> Bool {
    let name = module.lowercased()
    return name.contains("emb") && !name.contains("unemb") || ["wte", "wpe"].contains(name)
  }

  /// `[out, in, …]` to `[…, in, out]`.
  private static func kernel(_ rank: Int) -> WeightTransform {
    rank == 2 ? .transposed : .permuted(Array(2..<rank) + [1, 0])
  }

  /// What a variable is called in a `state_dict`, and how its elements lie there.
  static func module(_ variable: String, rank: Int) -> (name: String, transform: WeightTransform) {
    var path = variable.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let leaf = path.removeLast()
    let (own, transform): (String, WeightTransform) =
      switch leaf {
      case "kernel" where rank == 2: ("weight", .transposed)
      case "kernel" where rank > 2: ("weight", .permuted([rank - 1, rank - 2] + Array(0..<rank - 2)))
      case "table", "gamma": ("weight", .none)
      case "beta": ("bias", .none)
      case "moving_mean": ("running_mean", .none)
      case "moving_variance": ("running_var", .none)
      case count: ("num_batches_tracked", .none)
      default: (leaf, .none)
      }
    return ((path + [own]).joined(separator: "."), transform)
  }
}
