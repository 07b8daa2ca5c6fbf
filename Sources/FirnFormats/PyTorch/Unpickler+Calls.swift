internal import FirnFiles
internal import FirnGraph

/// What a pickle names and calls: storages, tensors, and closed boxes for all else.
extension Unpickler {
  // MARK: Names and calls

  mutating func appendGlobal(_ module: String, _ name: String) throws(FirnError) {
    if let global = PickleGlobal(module: module, name: name) {
      stack.append(.global(global))
      return
    }
    // Text can be longer, and named again and again.
    guard module.utf8.count <= Self.longestName, name.utf8.count <= Self.longestName else { throw damaged }
    let path = "\(module).\(name)"
    let place = placesOfNames[path] ?? names.count
    if place == names.count {
      placesOfNames[path] = place
      names.append(path)
      // Few words make many pairs.
      extentCount += path.utf8.count / 8
      kept += 4 * Self.container + 2 * path.utf8.count
    }
    stack.append(.name(place))
  }

  mutating func resolveStorage(_ id: PickleValue) throws(FirnError) {
    guard case .tuple(let index) = id, let kind = sequences[index].first else { throw damaged }
    let parts = sequences[index]
    // A class with its source text, beside a whole module of before 1.6: it stays a name.
    if case .text("module") = kind, parts.count == 4 {
      stack.append(parts[1])
      return
    }
    if parts.count > 1, case .name(let name) = parts[1] { throw needed(names[name]) }
    guard 5...6 ~= parts.count, case .text("storage") = kind, case .global(.storage(let type)) = parts[1],
      case .text(let key) = parts[2], case .integer(let count) = parts[4], count >= 0
    else { throw damaged }
    var storage = PyTorchTensor.Storage(key: key, type: type, count: count)
    if parts.count == 6 {
      switch parts[5] {
      case .none: break
      case .tuple(let view):
        guard sequences[view].count == 3, case .integer(let start) = sequences[view][1], start >= 0,
          case .integer(let size) = sequences[view][2], size >= 0
        else { throw damaged }
        storage.start = start
        storage.viewCount = size
      default: throw damaged
      }
    }
    stack.append(.storage(storages.count))
    storages.append(storage)
    kept += 2 * Self.container
  }

  mutating func call(_ operands: [PickleValue]) throws(FirnError) {
    guard case .global(let global) = operands[0] else {
      try appendObject(made: operands[0], operands[1])
      return
    }
    guard case .tuple(let index) = operands[1] else { throw damaged }
    let arguments = sequences[index]
    switch global {
    case .orderedDictionary: try appendOrderedDictionary(arguments)
    case .size:
      guard arguments.count == 1, case .tuple = arguments[0] else { throw damaged }
      stack.append(arguments[0])
    case .device: stack.append(.opaque("a device"))
    case .encode: stack.append(.bytes)
    case .rebuildTensor: try rebuildTensor(arguments, hasType: false)
    case .rebuildTensorWithType: try rebuildTensor(arguments, hasType: true)
    case .rebuildPlainTensor:
      guard arguments.count == 4 else { throw damaged }
      try rebuildTensor(arguments + [.bool(false), .none], hasType: false)
    case .rebuildSubclass:
      // The function that makes the plain tensor, the class, that function's arguments, the attributes.
      guard arguments.count == 4 else { throw damaged }
      if case .name(let name) = arguments[0] { throw needed(names[name]) }
      guard case .tuple(let inner) = arguments[2] else { throw damaged }
      // A class of one's own that keeps tensors beside the elements, such as scales, may mean other numbers by them.
      if case .name(let name) = arguments[1], !Self.plainClasses.contains(names[name]) {
        // None of what was counted before has one, or it had been refused.
        var counted = TensorCount()
        swap(&counted, &self.counted)
        if counted.tensors(in: [arguments[3]], of: self) > 0 { throw needed(names[name]) }
        swap(&counted, &self.counted)
      }
      switch arguments[0] {
      case .global(.rebuildTensor): try rebuildTensor(sequences[inner], hasType: false)
      case .global(.rebuildTensorWithType): try rebuildTensor(sequences[inner], hasType: true)
      default: throw damaged
      }
    case .rebuildParameter:
      if let type = foreign(in: arguments.prefix(1)) { throw needed(type) }
      guard 3...4 ~= arguments.count, case .tensor(let tensor) = arguments[0],
        case .bool(let flag) = arguments[1]
      else { throw damaged }
      try requireHooks(arguments[2])
      stack.append(.tensor(tensors.count))
      tensors.append(tensors[tensor])
      kept += 3 * Self.container
      tensors[tensors.count - 1].requiresGradient = flag
    case .storage, .type: throw damaged
    }
  }

  /// Empty, or made of a list of pairs, as Python 2 writes it.
  private mutating func appendOrderedDictionary(_ arguments: [PickleValue]) throws(FirnError) {
    var items: [PickleValue] = []
    if let first = arguments.first {
      guard arguments.count == 1, case .list(let pairs) = first else { throw damaged }
      for pair in sequences[pairs] {
        switch pair {
        case .list(let index), .tuple(let index):
          guard sequences[index].count == 2 else { throw damaged }
          items += sequences[index]
        default: throw damaged
        }
      }
    }
    // A list can be named again and again.
    extentCount += 4 * items.count
    appendDictionary()
    try setItems(items)
  }

  // MARK: Closed boxes

  mutating func appendObject(_ type: String, _ arguments: PickleValue) {
    stack.append(.object(objects.count))
    objects.append(PickleObject(type: type, arguments: arguments))
    kept += 5 * Self.container
  }

  /// What `maker` would make of the arguments; its result is called by the maker's name.
  mutating func appendObject(made maker: PickleValue, _ arguments: PickleValue) throws(FirnError) {
    let type: String
    switch maker {
    case .name(let name): type = names[name]
    case .object(let object): type = objects[object].type
    default: throw damaged
    }
    if type.hasPrefix("torch."), describesTensor(arguments) { throw needed(type) }
    appendObject(type, arguments)
  }

  /// Whether tensors or storages are among the arguments themselves or in tuples of them.
  ///
  /// Functions of `torch` that take such make a tensor. Only the first few are looked at.
  private func describesTensor(_ arguments: PickleValue) -> Bool {
    var pending = [arguments]
    var next = 0
    while next < pending.count, next < 64 {
      switch pending[next] {
      case .tensor, .storage: return true
      case .tuple(let index): pending += sequences[index].prefix(16)
      default: break
      }
      next += 1
    }
    return false
  }

  /// The type of the first argument that is no data.
  private func foreign(in arguments: some Sequence<PickleValue>) -> String? {
    for argument in arguments {
      switch argument {
      case .name(let name): return names[name]
      case .object(let object): return objects[object].type
      default: break
      }
    }
    return nil
  }

  private func needed(_ type: String) -> FirnError {
    fault(
      "makes a tensor by `\(type)`, which Firn does not know and does not execute",
      remedy:
        "load it in PyTorch, if you trust it, and save plain tensors: torch.save(model.state_dict(), …)",
      place: type)
  }

  // MARK: Tensors

  /// Classes whose tensors are their elements, whatever attributes they have.
  private static let plainClasses = [
    "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer",
  ]

  /// Storage, offset, extents, strides, whether a gradient is wanted, hooks, the type where the call has one, and what
  /// else is to be known of the tensor, which may be left out.
  private mutating func rebuildTensor(_ arguments: [PickleValue], hasType: Bool) throws(FirnError) {
    if let type = foreign(in: arguments.prefix(5)) { throw needed(type) }
    let few = hasType ? 7 : 6
    guard few...(few + 1) ~= arguments.count, case .storage(let storage) = arguments[0],
      case .integer(let offset) = arguments[1], case .bool(let requiresGradient) = arguments[4],
      case let (start, overflow) = offset.addingReportingOverflow(storages[storage].start), !overflow
    else { throw damaged }
    try requireHooks(arguments[5])
    var type = storages[storage].type
    if hasType {
      guard case .global(.type(let named)) = arguments[6] else { throw damaged }
      type = named
    }
    guard let type else { throw damaged }
    let signs = arguments.count > few ? try signs(arguments[few], of: type) : .init()
    let shape = try integers(arguments[2])
    let strides = try integers(arguments[3])
    extentCount += shape.count + strides.count
    kept += 5 * Self.container + 8 * (shape.count + strides.count)
    stack.append(.tensor(tensors.count))
    tensors.append(
      PyTorchTensor(
        storage: storages[storage], type: type, offset: start, shape: shape, strides: strides,
        requiresGradient: requiresGradient, signs: signs))
  }

  /// Functions for the way back, which are no part of a tensor's value; a state dict has none of them.
  private func requireHooks(_ value: PickleValue) throws(FirnError) {
    switch value {
    case .none, .dictionary: break
    default: throw damaged
    }
  }

  /// What a tensor's metadata says of its elements.
  private func signs(_ metadata: PickleValue, of type: StoredType) throws(FirnError) -> StoredArray.Signs {
    var signs = StoredArray.Signs()
    switch metadata {
    case .none: return signs
    case .dictionary(let index):
      guard dictionaries[index].count <= 8 else { throw damaged }
      for (key, value) in dictionaries[index] {
        guard case .text(let word) = key, case .bool(let flag) = value else { throw damaged }
        switch word {
        case "neg": signs.isNegated = flag
        case "conj": signs.isConjugated = flag
        default:
          throw fault(
            "says `\(word)` of a tensor, which Firn does not know and which may change its numbers",
            remedy: "save it with .clone() in PyTorch")
        }
      }
    default: throw damaged
    }
    guard signs.fit(type) else {
      throw fault(
        "negates a tensor of \(type.rawValue) when it is read, which PyTorch itself does not",
        remedy: "save it with .resolve_neg().resolve_conj() in PyTorch")
    }
    return signs
  }

  private func integers(_ value: PickleValue) throws(FirnError) -> [Int] {
    guard case .tuple(let index) = value else { throw damaged }
    guard sequences[index].count <= PyTorchTensor.largestRank else {
      throw fault("describes a tensor of \(sequences[index].count) axes")
    }
    var integers: [Int] = []
    for element in sequences[index] {
      guard case .integer(let integer) = element, integer >= 0 else { throw damaged }
      integers.append(integer)
    }
    return integers
  }
}
