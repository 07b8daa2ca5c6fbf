import FirnFormats
import FirnGraph

/// GraphProto.
struct GraphMessage: WireMessage {
  var name = ""
  var nodes: [NodeMessage] = []
  var initializers: [TensorMessage] = []
  /// SparseTensorProto is not read; how many there are.
  var sparseInitializerCount = 0
  var inputs: [ValueMessage] = []
  var outputs: [ValueMessage] = []
  var metadata: [EntryMessage] = []

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: nodes.append(try field.message())
    case 2: name = try field.text()
    case 5: initializers.append(try field.message())
    case 11: inputs.append(try field.message())
    case 12: outputs.append(try field.message())
    case 15: sparseInitializerCount += 1
    case 16: metadata.append(try field.message())
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.messages(1, nodes)
    writer.text(2, name)
    writer.messages(5, initializers)
    writer.messages(11, inputs)
    writer.messages(12, outputs)
    writer.messages(16, metadata)
  }
}

/// NodeProto.
struct NodeMessage: WireMessage {
  var inputs: [String] = []
  var outputs: [String] = []
  var name = ""
  var op = ""
  var domain = ""
  var overload = ""
  var attributes: [AttributeMessage] = []
  var metadata: [EntryMessage] = []
  /// Its number among the nodes of the file's graph, from 1, where others are put in their place; not written.
  var number: Int?

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: inputs.append(try field.text())
    case 2: outputs.append(try field.text())
    case 3: name = try field.text()
    case 4: op = try field.text()
    case 5: attributes.append(try field.message())
    case 7: domain = try field.text()
    case 8: overload = try field.text()
    case 9: metadata.append(try field.message())
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.texts(1, inputs)
    writer.texts(2, outputs)
    writer.text(3, name)
    writer.text(4, op)
    writer.messages(5, attributes)
    writer.text(7, domain)
    writer.text(8, overload)
    writer.messages(9, metadata)
  }
}

/// AttributeProto.
struct AttributeMessage: WireMessage {
  var name = ""
  /// For a node of a function: the function's attribute whose value it takes.
  var reference = ""
  var type: Int?
  var float: Float?
  var integer: Int?
  var text: String?
  var tensor: TensorMessage?
  /// A graph holds nodes, which hold attributes.
  private var graphs: [GraphMessage] = []
  var floats: [Float] = []
  var integers: [Int] = []
  var texts: [String] = []

  var graph: GraphMessage? {
    get { graphs.first }
    set { graphs = newValue.map { [$0] } ?? [] }
  }

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: name = try field.text()
    case 2: float = try field.float()
    case 3: integer = try field.integer()
    case 4: text = try field.text()
    case 5: tensor = try field.message()
    case 6: graphs = [try field.message()]
    case 7: floats += try field.floats()
    case 8: integers += try field.integers()
    case 9: texts.append(try field.text())
    case 20: type = try field.integer()
    case 21: reference = try field.text()
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.text(1, name)
    writer.float(2, float)
    writer.integer(3, integer)
    if let text { writer.bytes(4, text.utf8) }
    writer.message(5, tensor)
    writer.message(6, graph)
    writer.floats(7, floats)
    writer.integers(8, integers)
    writer.texts(9, texts)
    writer.integer(20, type)
    writer.text(21, reference)
  }
}

/// ValueInfoProto with the TypeProto in it.
struct ValueMessage: WireMessage {
  var name = ""
  var type: TypeMessage?

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: name = try field.text()
    case 2: type = try field.message()
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.text(1, name)
    writer.message(2, type)
  }
}

/// TypeProto: of a tensor, or of what Firn has not.
struct TypeMessage: WireMessage {
  var tensor: TensorTypeMessage?
  /// "sequence" and so on, where it is not of a tensor.
  var other: String?

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: tensor = try field.message()
    case 4: other = "a sequence"
    case 5: other = "a map"
    case 7: other = "an opaque value"
    case 8: other = "a sparse tensor"
    case 9: other = "an optional value"
    default: break
    }
  }

  func write(to writer: inout MessageWriter) { writer.message(1, tensor) }
}

/// TypeProto.Tensor.
struct TensorTypeMessage: WireMessage {
  var elementType = 0
  var shape: ShapeMessage?

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: elementType = try field.integer()
    case 2: shape = try field.message()
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.integer(1, elementType)
    writer.message(2, shape)
  }
}

/// TensorShapeProto.
struct ShapeMessage: WireMessage {
  var dimensions: [DimensionMessage] = []

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    if field.number == 1 { dimensions.append(try field.message()) }
  }

  func write(to writer: inout MessageWriter) { writer.messages(1, dimensions) }
}

/// TensorShapeProto.Dimension.
struct DimensionMessage: WireMessage {
  var value: Int?
  var parameter = ""

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: value = try field.integer()
    case 2: parameter = try field.text()
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.integer(1, value)
    writer.text(2, parameter)
  }
}
