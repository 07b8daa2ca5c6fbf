internal import FirnFiles
internal import FirnGraph

/// Collects the tensors of nested dictionaries and lists, with their names joined by dots.
struct StateDictWalk {
  private(set) var tensors: [(name: String, tensor: PyTorchTensor)] = []
  private(set) var metadata: [Weights.Metadata] = []
  private let unpickler: Unpickler
  private let fault: FileFault
  /// Bytes of names and entries that may still be made: a pickle can name one container again and again.
  private var budget: Int

  private static let deepest = 64
  /// About what a name, or a tensor with all that is made to read it, takes beside the name's text.
  private static let (nameCost, tensorCost) = (64, 1024)

  /// - Parameter budget: the length of the pickle.
  init(_ unpickler: Unpickler, budget: Int, fault: FileFault) {
    self.unpickler = unpickler
    self.fault = fault
    self.budget = 1 << 20 + 64 * budget
  }

  mutating func run(_ value: PickleValue) throws(FirnError) {
    if case .tensor(let index) = value {
      tensors.append(("tensor", unpickler.tensors[index]))
    } else {
      try visit(value, name: "", depth: 0)
    }
  }

  private mutating func visit(_ value: PickleValue, name: String, depth: Int) throws(FirnError) {
    budget -= name.utf8.count + Self.nameCost
    guard depth < Self.deepest, budget > 0 else {
      throw fault(
        "nests or repeats its contents without end", remedy: "save model.state_dict() with torch.save")
    }
    func path(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }
    switch value {
    case .dictionary(let index):
      for (key, value) in unpickler.dictionaries[index] {
        let word: String? =
          switch key {
          case .text(let text): text
          case .integer(let number): String(number)
          default: nil
          }
        guard let word else {
          throw fault("has a key in `\(name)` that is neither text nor a number", place: name)
        }
        try visit(value, name: path(word), depth: depth + 1)
      }
    case .list(let index), .tuple(let index):
      for (position, value) in unpickler.sequences[index].enumerated() {
        try visit(value, name: path(String(position)), depth: depth + 1)
      }
    case .tensor(let index):
      budget -= Self.tensorCost
      tensors.append((name, unpickler.tensors[index]))
    case .none: metadata.append(.init(key: name, value: "None"))
    case .bool(let flag): metadata.append(.init(key: name, value: flag ? "True" : "False"))
    case .integer(let number): metadata.append(.init(key: name, value: String(number)))
    case .number(let number): metadata.append(.init(key: name, value: String(number)))
    case .text(let text):
      budget -= text.utf8.count
      metadata.append(.init(key: name, value: text))
    case .bytes, .global, .storage, .opaque: break
    }
  }
}
