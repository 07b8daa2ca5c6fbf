internal import FirnFiles
internal import FirnGraph

/// Reads the pickle of a state dict without executing anything (Python's `pickletools` describes the opcodes).
///
/// A pickle is a program for a small stack machine. This one knows data, containers and the globals of
/// ``PickleGlobal``; calling one of those builds a description. Any other name stays a name, and calling it makes a
/// ``PickleObject``: an error only where a tensor could not be described without it.
struct Unpickler {
  private var reader: ByteReader
  private let fault: FileFault
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  /// Under the numbers from 0 on, as Python gives them.
  private var memo: [PickleValue] = []
  /// Under any others.
  private var sparseMemo: [Int: PickleValue] = [:]
  private(set) var sequences: [[PickleValue]] = []
  private(set) var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  private(set) var storages: [PyTorchTensor.Storage] = []
  private(set) var tensors: [PyTorchTensor] = []
  private(set) var objects: [PickleObject] = []
  /// Classes and functions that are no ``PickleGlobal``, each once.
  private(set) var names: [String] = []
  private var placesOfNames: [String: Int] = [:]
  /// About the bytes of all that is kept: these are copies, however small the pickle that makes them.
  private var kept = 0
  private var mostStacked = 0
  /// Of attributes of tensors.
  private var counted = TensorCount()
  /// What may be kept when it begins to run.
  private let whole: ReadingBudget

  private static let longestText = 1 << 20
  private static let longestName = 1024
  /// About the bytes of a value in an array that grows, of one where it stays, and of an array by itself.
  private static let (grown, value, container) = (48, 24, 48)

  /// - Parameter start: where in `bytes` the pickle begins; where it ends, ``position`` says after running it.
  init(_ bytes: Bytes, at start: Int = 0, budget: ReadingBudget, fault: FileFault) {
    reader = ByteReader(bytes, at: start, fault: fault)
    whole = budget
    self.fault = fault
  }

  /// The byte behind what has been read.
  var position: Int { reader.position }
  /// What may still be kept.
  var budget: ReadingBudget {
    var budget = whole
    // Less than nothing is refused where something is asked for next.
    try? budget.take(kept + mostStacked * Self.grown)
    return budget
  }

  /// Runs the program and gives what it leaves.
  mutating func run() throws(FirnError) -> PickleValue {
    while true {
      let opcode = try reader.integer(UInt8.self)
      if opcode == UInt8(ascii: ".") {
        guard stack.count == 1, marks.isEmpty, let value = stack.first else { throw damaged }
        return value
      }
      try step(opcode)
      // Operations of one byte could otherwise pile up objects of a hundred.
      mostStacked = max(mostStacked, stack.count + marks.count)
      guard kept + mostStacked * Self.grown <= whole.rest else {
        throw fault("has a pickle of too many values for its size")
      }
    }
  }

  private var damaged: FirnError { fault("has a damaged pickle (byte \(reader.position))") }

  private mutating func step(_ opcode: UInt8) throws(FirnError) {
    switch opcode {
    case 0x80:
      let version = try reader.integer(UInt8.self)
      guard 2...5 ~= version else { throw fault("has a pickle of protocol \(version)") }
    case 0x95: _ = try reader.take(8)
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "J"): stack.append(.integer(Int(try reader.integer(Int32.self))))
    case UInt8(ascii: "K"): stack.append(.integer(try reader.size(UInt8.self)))
    case UInt8(ascii: "M"): stack.append(.integer(try reader.size(UInt16.self)))
    case 0x8A: stack.append(.integer(try long(try reader.size(UInt8.self))))
    case 0x8B: stack.append(.integer(try long(try reader.size(Int32.self))))
    case UInt8(ascii: "G"):
      stack.append(.number(Double(bitPattern: UInt64(bigEndian: UInt64(littleEndian: try reader.integer())))))
    case UInt8(ascii: "X"): stack.append(.text(try text(try reader.size(UInt32.self))))
    case 0x8C: stack.append(.text(try text(try reader.size(UInt8.self))))
    case 0x8D: stack.append(.text(try text(try reader.size(UInt64.self))))
    case UInt8(ascii: "U"): stack.append(.text(try text(try reader.size(UInt8.self))))
    case UInt8(ascii: "T"): stack.append(.text(try text(try reader.size(Int32.self))))
    case UInt8(ascii: "C"): try skipBytes(try reader.size(UInt8.self))
    case UInt8(ascii: "B"): try skipBytes(try reader.size(UInt32.self))
    case 0x8E, 0x96: try skipBytes(try reader.size(UInt64.self))
    case UInt8(ascii: "}"): appendDictionary()
    case UInt8(ascii: "]"): appendSequence([], PickleValue.list)
    case UInt8(ascii: ")"): appendSequence([], PickleValue.tuple)
    case UInt8(ascii: "t"): appendSequence(try popToMark(), PickleValue.tuple)
    case UInt8(ascii: "l"): appendSequence(try popToMark(), PickleValue.list)
    case 0x85...0x87: appendSequence(try pop(count: Int(opcode) - 0x84), PickleValue.tuple)
    case UInt8(ascii: "d"):
      let items = try popToMark()
      appendDictionary()
      try setItems(items)
    case 0x8F: appendObject("set", .none)
    case 0x90: try extend(try popToMark())
    case 0x91:
      appendSequence(try popToMark(), PickleValue.tuple)
      appendObject("frozenset", try pop())
    case UInt8(ascii: "a"): try extend([try pop()])
    case UInt8(ascii: "e"): try extend(try popToMark())
    case UInt8(ascii: "s"): try setItems(try pop(count: 2))
    case UInt8(ascii: "u"): try setItems(try popToMark())
    case UInt8(ascii: "q"): try memorize(try reader.size(UInt8.self))
    case UInt8(ascii: "r"): try memorize(try reader.size(UInt32.self))
    case 0x94: try memorize(memo.count + sparseMemo.count)
    case UInt8(ascii: "h"): try recall(try reader.size(UInt8.self))
    case UInt8(ascii: "j"): try recall(try reader.size(UInt32.self))
    case UInt8(ascii: "c"):
      let words = (
        try reader.line(atMost: Self.longestName).text, try reader.line(atMost: Self.longestName).text
      )
      guard let module = words.0, let name = words.1 else { throw damaged }
      try appendGlobal(module, name)
    case 0x93:
      let words = try pop(count: 2)
      guard case .text(let module) = words[0], case .text(let name) = words[1] else { throw damaged }
      try appendGlobal(module, name)
    case UInt8(ascii: "Q"): try resolveStorage(try pop())
    case UInt8(ascii: "R"), 0x81: try call(try pop(count: 2))
    case 0x92:
      // With arguments by name, which nothing of a state dict has.
      let operands = try pop(count: 3)
      appendSequence([operands[1], operands[2]], PickleValue.tuple)
      try appendObject(made: operands[0], try pop())
    case UInt8(ascii: "b"):
      let state = try pop()
      switch try top() {
      // Such as a state dict's version numbers: not needed.
      case .dictionary: break
      case .object(let index): objects[index].state = state
      default: throw damaged
      }
    default:
      throw fault("has a pickle with the operation 0x\(String(opcode, radix: 16)), which no state dict needs")
    }
  }

  // MARK: Stack

  private func top() throws(FirnError) -> PickleValue {
    guard let value = stack.last, stack.count > marks.last ?? 0 else { throw damaged }
    return value
  }

  private mutating func pop() throws(FirnError) -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(count: Int) throws(FirnError) -> [PickleValue] {
    guard stack.count - count >= marks.last ?? 0 else { throw damaged }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws(FirnError) -> [PickleValue] {
    guard let mark = marks.popLast(), mark <= stack.count else { throw damaged }
    defer { stack.removeLast(stack.count - mark) }
    return Array(stack[mark...])
  }

  private mutating func recall(_ key: Int) throws(FirnError) {
    guard let value = key < memo.count ? memo[key] : sparseMemo[key] else { throw damaged }
    stack.append(value)
  }

  private mutating func memorize(_ key: Int) throws(FirnError) {
    let value = try top()
    if key < memo.count {
      memo[key] = value
    } else if key == memo.count, sparseMemo[key] == nil {
      memo.append(value)
      kept += Self.grown
    } else if sparseMemo.updateValue(value, forKey: key) == nil {
      kept += 4 * Self.grown
    }
  }

  // MARK: Data

  private mutating func long(_ count: Int) throws(FirnError) -> Int {
    let bytes = try reader.take(count)
    guard count <= 8 else { throw fault("has a number of \(count) bytes in its pickle") }
    var value: UInt64 = 0
    for index in 0..<count { value |= UInt64(bytes[index] ?? 0) << UInt64(8 * index) }
    let unused = UInt64(64 - 8 * count)
    return count == 0 ? 0 : Int(Int64(bitPattern: value << unused) >> Int64(unused))
  }

  private mutating func text(_ count: Int) throws(FirnError) -> String {
    guard count <= Self.longestText, let text = try reader.take(count).text else { throw damaged }
    kept += count > 15 ? Self.container + count : 0
    return text
  }

  private mutating func skipBytes(_ count: Int) throws(FirnError) {
    _ = try reader.take(count)
    stack.append(.bytes)
  }

  private mutating func appendSequence(_ values: [PickleValue], _ wrap: (Int) -> PickleValue) {
    stack.append(wrap(sequences.count))
    sequences.append(values)
    kept += Self.container + values.count * Self.value
  }

  private mutating func appendDictionary() {
    kept += Self.container
    stack.append(.dictionary(dictionaries.count))
    dictionaries.append([])
  }

  private mutating func extend(_ values: [PickleValue]) throws(FirnError) {
    kept += values.count * Self.grown
    switch try top() {
    case .list(let index): sequences[index] += values
    case .object(let index):
      if let elements = objects[index].elements {
        sequences[elements] += values
      } else {
        objects[index].elements = sequences.count
        kept += Self.container
        sequences.append(values)
      }
    default: throw damaged
    }
  }

  private mutating func setItems(_ values: [PickleValue]) throws(FirnError) {
    guard values.count % 2 == 0 else { throw damaged }
    kept += values.count * Self.grown
    let index: Int
    switch try top() {
    case .dictionary(let dictionary): index = dictionary
    case .object(let object):
      index = objects[object].items ?? dictionaries.count
      objects[object].items = index
      if index == dictionaries.count {
        dictionaries.append([])
        kept += Self.container
      }
    default: throw damaged
    }
    for pair in stride(from: 0, to: values.count, by: 2) {
      dictionaries[index].append((values[pair], values[pair + 1]))
    }
  }

  // MARK: Names and calls

  private mutating func appendGlobal(_ module: String, _ name: String) throws(FirnError) {
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
      kept += 4 * Self.container + 2 * path.utf8.count
    }
    stack.append(.name(place))
  }

  private mutating func resolveStorage(_ id: PickleValue) throws(FirnError) {
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

  private mutating func call(_ operands: [PickleValue]) throws(FirnError) {
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
    case .device: stack.append(.opaque)
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
    appendDictionary()
    try setItems(items)
  }

  // MARK: Closed boxes

  private mutating func appendObject(_ type: String, _ arguments: PickleValue) {
    stack.append(.object(objects.count))
    objects.append(PickleObject(type: type, arguments: arguments))
    kept += 5 * Self.container
  }

  /// What `maker` would make of the arguments; its result is called by the maker's name.
  private mutating func appendObject(made maker: PickleValue, _ arguments: PickleValue) throws(FirnError) {
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
