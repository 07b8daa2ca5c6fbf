internal import FirnFiles
internal import FirnGraph

/// Collects the tensors of nested dictionaries and lists, with their names joined by dots.
///
/// Of a closed box the items and elements are looked at, as those are data; what else it holds is only counted.
struct StateDictWalk {
  private(set) var tensors: [(name: String, tensor: PyTorchTensor)] = []
  private(set) var metadata: [Weights.Metadata] = []
  private(set) var skipped: [Weights.Skipped] = []
  /// The first box that keeps tensors inside.
  private var keeper: (name: String, type: String, count: Int)?
  private var counted = TensorCount()
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
    switch value {
    case .tensor(let index): tensors.append(("tensor", unpickler.tensors[index]))
    case .name(let index): throw noDictionary(unpickler.names[index])
    case .object(let index)
    where unpickler.objects[index].items == nil && unpickler.objects[index].elements == nil:
      throw noDictionary(unpickler.objects[index].type)
    default: try visit(value, name: "", depth: 0)
    }
    if tensors.isEmpty, let keeper {
      throw fault(
        "keeps its tensors inside `\(keeper.name)`, an object of `\(keeper.type)`, which is not executed",
        remedy: Self.remedy, place: keeper.name)
    }
  }

  private static let remedy =
    "load it in PyTorch, if you trust it, and save model.state_dict() with torch.save"

  private func noDictionary(_ type: String) -> FirnError {
    fault("is a pickled `\(type)`, no state dict, and is not executed", remedy: Self.remedy, place: type)
  }

  private mutating func skip(_ name: String, _ reason: String) {
    budget -= reason.utf8.count
    skipped.append(.init(name: name.isEmpty ? "pickle" : name, reason: reason))
  }

  private mutating func visit(box index: Int, name: String, depth: Int) throws(FirnError) {
    let object = unpickler.objects[index]
    let count = counted.tensors(in: [object.arguments, object.state ?? .none], of: unpickler)
    if count > 0, keeper == nil { keeper = (name, object.type, count) }
    var reason = "it is `\(object.type)`, of which Firn makes nothing"
    if object.items != nil || object.elements != nil {
      reason = "it is `\(object.type)`: only its items are read"
    }
    if count > 0 {
      reason += "; \(count) tensor\(count == 1 ? "" : "s") inside \(count == 1 ? "is" : "are") not read"
    }
    skip(name, reason)
    if let items = object.items { try visit(.dictionary(items), name: name, depth: depth + 1) }
    if let elements = object.elements { try visit(.list(elements), name: name, depth: depth + 1) }
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
          guard counted.tensors(in: [value], of: unpickler) == 0 else {
            throw fault(
              "has a tensor in `\(name)` under a key that is neither text nor a number",
              remedy: "save it under a name", place: name)
          }
          budget -= name.utf8.count + Self.nameCost
          skip(name, "a key in it is neither text nor a number")
          continue
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
    case .name(let index): skip(name, "it is the name `\(unpickler.names[index])`")
    case .object(let index): try visit(box: index, name: name, depth: depth)
    case .bytes: skip(name, "it is a byte string")
    case .global, .storage, .opaque: break
    }
  }
}
