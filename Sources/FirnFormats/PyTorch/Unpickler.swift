internal import FirnFiles
internal import FirnGraph

/// Reads the pickle of a state dict without executing anything (Python's `pickletools` describes the opcodes).
///
/// A pickle is a program for a small stack machine. This one knows data, containers and the globals of
/// ``PickleGlobal``; calling one of those builds a description. Any other name stays a name, and calling it makes a
/// ``PickleObject``: an error only where a tensor could not be described without it.
struct Unpickler {
  private var reader: ByteReader
  let fault: FileFault
  private let start: Int
  var stack: [PickleValue] = []
  private var marks: [Int] = []
  /// Under the numbers from 0 on, as Python gives them.
  private var memo: [PickleValue] = []
  /// Under any others.
  private var sparseMemo: [Int: PickleValue] = [:]
  var sequences: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  var storages: [PyTorchTensor.Storage] = []
  var tensors: [PyTorchTensor] = []
  var objects: [PickleObject] = []
  /// Classes and functions that are no ``PickleGlobal``, each once.
  var names: [String] = []
  var placesOfNames: [String: Int] = [:]
  /// Of all tensors' shapes and strides, of dictionaries made of pairs, and of names: these are copies, however small
  /// the pickle that makes them.
  var extentCount = 0
  /// About the bytes of all that is kept: these are copies, however small the pickle that makes them.
  var kept = 0
  private var mostStacked = 0
  /// The pickle's protocol; 0 for the first two, which do not say it.
  private var version: UInt8 = 0
  /// Of attributes of tensors.
  var counted = TensorCount()
  /// What may be kept when it begins to run.
  private let whole: ReadingBudget

  private static let longestText = 1 << 20
  /// In bytes, of a number whose digits are kept.
  private static let longestNumber = 1 << 10
  static let longestName = 1024
  /// How many values may be kept at once, whatever their operations' length.
  private static let fewestValues = 1 << 16
  /// About the bytes of a value in an array that grows, of one where it stays, and of an array by itself.
  ///
  /// An array that grows doubles: for a moment a value has a place in the old one and two in the new one.
  static let (grown, value, container) = (72, 24, 48)

  /// - Parameter start: where in `bytes` the pickle begins; where it ends, ``position`` says after running it.
  init(_ bytes: Bytes, at start: Int = 0, budget: ReadingBudget, fault: FileFault) {
    reader = ByteReader(bytes, at: start, fault: fault)
    self.start = start
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
      mostStacked = max(mostStacked, stack.count + marks.count)
      guard keptValues <= max(Self.fewestValues, (reader.position - start) / 2),
        kept + mostStacked * Self.grown <= whole.rest
      else { throw fault("has a pickle of too many values for its size") }
    }
  }

  /// Operations of one byte could otherwise pile up objects of a hundred: they are bounded by the pickle's length in
  /// number, as they are by the file's in bytes.
  private var keptValues: Int {
    let containers = sequences.count + dictionaries.count + objects.count
    let described = tensors.count + storages.count + extentCount / 8
    return stack.count + marks.count + memo.count + sparseMemo.count + containers + described
  }

  var damaged: FirnError { fault("has a damaged pickle (byte \(reader.position))") }

  private mutating func step(_ opcode: UInt8) throws(FirnError) {
    switch opcode {
    case 0x80:
      version = try reader.integer(UInt8.self)
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
    case 0x8A: stack.append(try long(try reader.size(UInt8.self)))
    case 0x8B: stack.append(try long(try reader.size(Int32.self)))
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
      guard version > 0 else {
        throw fault(
          "has a pickle of protocol 0 or 1", remedy: "save it with torch.save's default pickle_protocol")
      }
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

  private mutating func long(_ count: Int) throws(FirnError) -> PickleValue {
    let bytes = try reader.take(count)
    guard count <= Self.longestNumber else { return .opaque("a number of \(count) bytes") }
    let integer = PythonInteger(bytes)
    if let value = integer.value { return .integer(value) }
    // More than two digits a byte.
    kept += Self.container + 3 * count
    return .long(integer.digits)
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

  mutating func appendSequence(_ values: [PickleValue], _ wrap: (Int) -> PickleValue) {
    stack.append(wrap(sequences.count))
    sequences.append(values)
    kept += Self.container + values.count * Self.value
  }

  mutating func appendDictionary() {
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

  mutating func setItems(_ values: [PickleValue]) throws(FirnError) {
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
}
