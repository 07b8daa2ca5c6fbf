internal import FirnFiles
internal import FirnGraph

/// Reads the pickle of a state dict without executing anything (Python's `pickletools` describes the opcodes).
///
/// A pickle is a program for a small stack machine. This one knows data, containers and the globals of
/// ``PickleGlobal``; calling one of those builds a description, any other name is an error that tells it.
struct Unpickler {
  private var reader: ByteReader
  private let fault: FileFault
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private(set) var sequences: [[PickleValue]] = []
  private(set) var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  private(set) var storages: [PyTorchTensor.Storage] = []
  private(set) var tensors: [PyTorchTensor] = []
  /// Of all tensors' shapes and strides: these are copies, however small the pickle that makes them.
  private var extentCount = 0

  private static let longestText = 1 << 20
  /// How many values may be kept at once: operations of one byte could otherwise pile up objects of a hundred.
  private let mostValues: Int

  init(_ bytes: Bytes, fault: FileFault) {
    reader = ByteReader(bytes, fault: fault)
    self.fault = fault
    mostValues = max(1 << 16, bytes.count / 2)
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
      let containers = sequences.count + dictionaries.count
      let described = tensors.count + storages.count + extentCount / 8
      guard stack.count + marks.count + memo.count + containers + described <= mostValues else {
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
    case 0x8E: try skipBytes(try reader.size(UInt64.self))
    case UInt8(ascii: "}"): appendDictionary()
    case UInt8(ascii: "]"): appendSequence([], PickleValue.list)
    case UInt8(ascii: ")"): appendSequence([], PickleValue.tuple)
    case UInt8(ascii: "t"): appendSequence(try popToMark(), PickleValue.tuple)
    case UInt8(ascii: "l"): appendSequence(try popToMark(), PickleValue.list)
    case 0x85...0x87: appendSequence(try pop(count: Int(opcode) - 0x84), PickleValue.tuple)
    case UInt8(ascii: "a"): try extend([try pop()])
    case UInt8(ascii: "e"): try extend(try popToMark())
    case UInt8(ascii: "s"): try setItems(try pop(count: 2))
    case UInt8(ascii: "u"): try setItems(try popToMark())
    case UInt8(ascii: "q"): memo[try reader.size(UInt8.self)] = try top()
    case UInt8(ascii: "r"): memo[try reader.size(UInt32.self)] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "h"): try recall(try reader.size(UInt8.self))
    case UInt8(ascii: "j"): try recall(try reader.size(UInt32.self))
    case UInt8(ascii: "c"):
      let words = (try reader.line(atMost: 1024).text, try reader.line(atMost: 1024).text)
      guard let module = words.0, let name = words.1 else { throw damaged }
      try appendGlobal(module, name)
    case 0x93:
      let words = try pop(count: 2)
      guard case .text(let module) = words[0], case .text(let name) = words[1] else { throw damaged }
      try appendGlobal(module, name)
    case UInt8(ascii: "Q"): try resolveStorage(try pop())
    case UInt8(ascii: "R"), 0x81: try call(try pop(count: 2))
    case UInt8(ascii: "b"):
      // State set on a container, such as a state dict's version numbers: not needed.
      _ = try pop()
      guard case .dictionary = try top() else { throw damaged }
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
    guard let value = memo[key] else { throw damaged }
    stack.append(value)
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
    return text
  }

  private mutating func skipBytes(_ count: Int) throws(FirnError) {
    _ = try reader.take(count)
    stack.append(.bytes)
  }

  private mutating func appendSequence(_ values: [PickleValue], _ wrap: (Int) -> PickleValue) {
    stack.append(wrap(sequences.count))
    sequences.append(values)
  }

  private mutating func appendDictionary() {
    stack.append(.dictionary(dictionaries.count))
    dictionaries.append([])
  }

  private mutating func extend(_ values: [PickleValue]) throws(FirnError) {
    guard case .list(let index) = try top() else { throw damaged }
    sequences[index] += values
  }

  private mutating func setItems(_ values: [PickleValue]) throws(FirnError) {
    guard case .dictionary(let index) = try top(), values.count % 2 == 0 else { throw damaged }
    for pair in stride(from: 0, to: values.count, by: 2) {
      dictionaries[index].append((values[pair], values[pair + 1]))
    }
  }

  // MARK: Names and calls

  private mutating func appendGlobal(_ module: String, _ name: String) throws(FirnError) {
    guard let global = PickleGlobal(module: module, name: name) else {
      throw fault(
        "names `\(module).\(name)` in its pickle, which is no part of a state dict and is not executed",
        remedy: "load it in PyTorch, if you trust it, and save model.state_dict() with torch.save",
        place: "\(module).\(name)")
    }
    stack.append(.global(global))
  }

  private mutating func resolveStorage(_ id: PickleValue) throws(FirnError) {
    guard case .tuple(let index) = id, sequences[index].count == 5,
      case .text("storage") = sequences[index][0],
      case .global(.storage(let type)) = sequences[index][1], case .text(let key) = sequences[index][2],
      case .integer(let count) = sequences[index][4], count >= 0
    else { throw damaged }
    stack.append(.storage(storages.count))
    storages.append(PyTorchTensor.Storage(key: key, type: type, count: count))
  }

  private mutating func call(_ operands: [PickleValue]) throws(FirnError) {
    guard case .global(let global) = operands[0], case .tuple(let index) = operands[1] else { throw damaged }
    let arguments = sequences[index]
    switch global {
    case .orderedDictionary:
      guard arguments.isEmpty else { throw damaged }
      appendDictionary()
    case .size:
      guard arguments.count == 1 else { throw damaged }
      stack.append(arguments[0])
    case .device: stack.append(.opaque)
    case .rebuildTensor: try rebuildTensor(arguments, typeAt: nil)
    case .rebuildTensorWithType: try rebuildTensor(arguments, typeAt: 6)
    case .rebuildParameter:
      guard arguments.count == 3, case .tensor(let tensor) = arguments[0], case .bool(let flag) = arguments[1]
      else { throw damaged }
      stack.append(.tensor(tensors.count))
      tensors.append(tensors[tensor])
      tensors[tensors.count - 1].requiresGradient = flag
    case .storage, .type: throw damaged
    }
  }

  private mutating func rebuildTensor(_ arguments: [PickleValue], typeAt place: Int?) throws(FirnError) {
    guard 6...8 ~= arguments.count, case .storage(let storage) = arguments[0],
      case .integer(let offset) = arguments[1], case .bool(let requiresGradient) = arguments[4]
    else { throw damaged }
    var type = storages[storage].type
    if let place {
      guard arguments.count > place, case .global(.type(let named)) = arguments[place] else { throw damaged }
      type = named
    }
    guard let type else { throw damaged }
    let shape = try integers(arguments[2])
    let strides = try integers(arguments[3])
    extentCount += shape.count + strides.count
    stack.append(.tensor(tensors.count))
    tensors.append(
      PyTorchTensor(
        storage: storages[storage], type: type, offset: offset, shape: shape, strides: strides,
        requiresGradient: requiresGradient))
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
