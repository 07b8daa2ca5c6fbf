import FirnGraph

/// What a name of a model stands for while it is read.
enum ImportedValue {
  /// Integers or truth values that are known.
  case known(KnownIntegers)
  /// Elements of the file that nothing is made of yet.
  case stored(StoredValue)
  /// The same with its axes in another order: axis i is axis `order[i]` of what is stored.
  case turned(StoredValue, order: [Int])
  case tensor(LaidTensor)
  /// A sequence of tensors.
  case list([ImportedValue])

  /// The error of a sequence where a tensor is wanted.
  static let listFault = FirnError(
    .invalidGraph, "a sequence stands where a tensor is wanted", remedy: "export tensors, not sequences")

  static func of(_ tensor: Tensor, isChannelsLast: Bool = false) -> ImportedValue {
    .tensor(LaidTensor(tensor, isChannelsLast: isChannelsLast))
  }
}

/// Names and what they stand for, in a graph or in one of a node's; the latter sees those around it.
final class Environment {
  private var values: [String: ImportedValue] = [:]
  private let outer: Environment?
  /// By domain: the version of its operators.
  let versions: [String: Int]
  /// The depth of functions and graphs in one another.
  let depth: Int

  init(versions: [String: Int], outer: Environment? = nil, depth: Int = 0) {
    self.versions = versions
    self.outer = outer
    self.depth = depth
  }

  subscript(name: String) -> ImportedValue? {
    get { values[name] ?? outer?[name] }
    set { values[name] = newValue }
  }

  func isOwn(_ name: String) -> Bool { values[name] != nil }
}
