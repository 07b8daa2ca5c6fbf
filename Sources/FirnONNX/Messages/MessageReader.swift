import FirnFiles
import FirnFormats
import FirnGraph

/// What is common to all messages of one file while they are read.
final class MessageContext {
  let fault: FileFault
  private var budget: ReadingBudget

  init(_ byteCount: Int, fault: FileFault) {
    self.fault = fault
    budget = ReadingBudget(byteCount, fault: fault)
  }

  /// - Throws: `.parse` where no more may be kept of this file.
  func take(_ cost: Int) throws(FirnError) { try budget.take(cost) }
}

/// The fields of one message, one after the other.
struct MessageReader {
  let context: MessageContext
  private let depth: Int
  private var wire: ProtocolBuffer

  /// - Throws: `.parse` where messages lie in one another deeper than any model needs.
  init(_ bytes: Bytes, _ context: MessageContext, depth: Int = 0) throws(FirnError) {
    guard depth <= Nesting.limit else {
      throw context.fault("has messages more than \(Nesting.limit) deep in one another")
    }
    self.context = context
    self.depth = depth
    wire = ProtocolBuffer(bytes, fault: context.fault)
  }

  /// The next field; nil at the end.
  mutating func next() throws(FirnError) -> Field? {
    guard let (number, value) = try wire.next() else { return nil }
    return Field(number: number, value: value, context: context, depth: depth)
  }

  /// A field, read as what its message says it is.
  struct Field {
    let number: Int
    let value: ProtocolBuffer.Value
    let context: MessageContext
    let depth: Int

    private var mismatch: FirnError { context.fault("has a field \(number) of a wrong kind") }

    func bytes() throws(FirnError) -> Bytes {
      guard case .bytes(let bytes) = value else { throw mismatch }
      return bytes
    }

    func text() throws(FirnError) -> String {
      guard let text = try bytes().text else { throw context.fault("has a name that is not UTF-8") }
      try context.take(ReadingBudget.fixedText + text.utf8.count)
      return text
    }

    func integer() throws(FirnError) -> Int {
      guard case .varint(let bits) = value else { throw mismatch }
      return Int(Int64(bitPattern: bits))
    }

    func float() throws(FirnError) -> Float {
      guard case .fixed32(let bits) = value else { throw mismatch }
      return Float(bitPattern: bits)
    }

    /// A field that is repeated, packed or not.
    func integers() throws(FirnError) -> [Int] {
      guard case .bytes(let bytes) = value else { return [try integer()] }
      var reader = ByteReader(bytes, fault: context.fault)
      var result: [Int] = []
      while !reader.isAtEnd {
        try context.take(8)
        result.append(Int(Int64(bitPattern: try reader.varint())))
      }
      return result
    }

    /// A field that is repeated, packed or not.
    func floats() throws(FirnError) -> [Float] {
      guard case .bytes(let bytes) = value else { return [try float()] }
      var reader = ByteReader(bytes, fault: context.fault)
      var result: [Float] = []
      while !reader.isAtEnd {
        try context.take(4)
        result.append(Float(bitPattern: try reader.integer()))
      }
      return result
    }

    /// The message in it.
    func message<Message: WireMessage>(_ type: Message.Type = Message.self) throws(FirnError) -> Message {
      try context.take(MemoryLayout<Message>.stride)
      return try Message(bytes(), context, depth: depth + 1)
    }
  }
}

/// A message of ONNX's schema (onnx.proto); fields that are not known are passed over.
protocol WireMessage {
  init()
  mutating func read(_ field: MessageReader.Field) throws(FirnError)
  func write(to writer: inout MessageWriter)
}

extension WireMessage {
  /// The message in these bytes, field by field.
  init(_ bytes: Bytes, _ context: MessageContext, depth: Int = 0) throws(FirnError) {
    self.init()
    var reader = try MessageReader(bytes, context, depth: depth)
    while let field = try reader.next() { try read(field) }
  }
}

extension ReadingBudget {
  /// A text beside its characters.
  fileprivate static var fixedText: Int { 32 }
}
