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
  /// For names and entries, as a pickle can name one container again and again.
  private var budget: ReadingBudget

  private static let deepest = 64
  private static let endless = "nests or repeats its contents without end"

  init(_ unpickler: Unpickler, budget: ReadingBudget, fault: FileFault) {
    self.unpickler = unpickler
    self.fault = fault
    self.budget = budget
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

  private mutating func skip(_ name: String, _ reason: String) throws(FirnError) {
    try budget.take(2 * ReadingBudget.text + reason.utf8.count, Self.endless)
    skipped.append(.init(name: name.isEmpty ? "pickle" : name, reason: reason))
  }

  private mutating func note(_ name: String, _ value: String) throws(FirnError) {
    try budget.take(2 * ReadingBudget.text + value.utf8.count, Self.endless)
    metadata.append(.init(key: name, value: value))
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
    try skip(name, reason)
    if let items = object.items { try visit(.dictionary(items), name: name, depth: depth + 1) }
    if let elements = object.elements { try visit(.list(elements), name: name, depth: depth + 1) }
  }

  private mutating func visit(_ value: PickleValue, name: String, depth: Int) throws(FirnError) {
    try budget.take(name.utf8.count + ReadingBudget.text, Self.endless)
    guard depth < Self.deepest else {
      throw fault(Self.endless, remedy: "save model.state_dict() with torch.save")
    }
    func path(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }
    switch value {
    case .dictionary(let index):
      for (key, value) in unpickler.dictionaries[index] {
        let word: String? =
          switch key {
          case .text(let text): text
          case .integer(let number): String(number)
          case .long(let digits): digits
          default: nil
          }
        guard let word else {
          guard counted.tensors(in: [value], of: unpickler) == 0 else {
            throw fault(
              "has a tensor in `\(name)` under a key that is neither text nor a number",
              remedy: "save it under a name", place: name)
          }
          try skip(name, "a key in it is neither text nor a number")
          continue
        }
        try visit(value, name: path(word), depth: depth + 1)
      }
    case .list(let index), .tuple(let index):
      for (position, value) in unpickler.sequences[index].enumerated() {
        try visit(value, name: path(String(position)), depth: depth + 1)
      }
    case .tensor(let index):
      try budget.takeMadeEntry(name, rank: 0)
      tensors.append((name, unpickler.tensors[index]))
    case .none: try note(name, "None")
    case .bool(let flag): try note(name, flag ? "True" : "False")
    case .integer(let number): try note(name, String(number))
    case .long(let digits): try note(name, digits)
    case .number(let number): try note(name, String(number))
    case .text(let text): try note(name, text)
    case .name(let index): try skip(name, "it is the name `\(unpickler.names[index])`")
    case .object(let index): try visit(box: index, name: name, depth: depth)
    case .bytes: try skip(name, "it is a byte string")
    case .global(let global): try skip(name, "it is \(global.words)")
    case .storage: try skip(name, "it is a storage without a tensor")
    case .opaque(let words): try skip(name, "it is \(words)")
    }
  }
}
