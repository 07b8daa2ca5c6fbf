import FirnFiles
import FirnFormats
import FirnGraph

/// ModelProto.
struct ModelMessage: WireMessage {
  var irVersion: Int?
  var producer = ""
  var producerVersion = ""
  var graph: GraphMessage?
  var operatorSets: [OperatorSetMessage] = []
  var metadata: [EntryMessage] = []
  var functions: [FunctionMessage] = []
  var training: [TrainingMessage] = []

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: irVersion = try field.integer()
    case 2: producer = try field.text()
    case 3: producerVersion = try field.text()
    case 7: graph = try field.message()
    case 8: operatorSets.append(try field.message())
    case 14: metadata.append(try field.message())
    case 20: training.append(try field.message())
    case 25: functions.append(try field.message())
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.integer(1, irVersion)
    writer.text(2, producer)
    writer.text(3, producerVersion)
    writer.message(7, graph)
    writer.messages(8, operatorSets)
    writer.messages(14, metadata)
    writer.messages(20, training)
    writer.messages(25, functions)
  }

  init() {}

  /// The model in the bytes of a file; `source` is its path.
  init(_ bytes: Bytes, source: String) throws(FirnError) {
    let fault = FileFault(source)
    try self.init(bytes, MessageContext(bytes.count, fault: fault))
    guard graph != nil, irVersion != nil || !operatorSets.isEmpty else {
      throw fault("is no ONNX model: it has no graph", remedy: "name a file that an exporter of ONNX wrote")
    }
  }
}

/// TrainingInfoProto: how a model learns, as far as Firn wants to know it.
struct TrainingMessage: WireMessage {
  var algorithm: GraphMessage?
  /// For each initialiser that learns, the algorithm's output that it becomes.
  var updates: [EntryMessage] = []

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 2: algorithm = try field.message()
    case 4: updates.append(try field.message())
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.message(2, algorithm)
    writer.messages(4, updates)
  }
}

/// OperatorSetIdProto.
struct OperatorSetMessage: WireMessage {
  var domain = ""
  var version = 0

  init() {}

  init(domain: String, version: Int) {
    self.domain = domain
    self.version = version
  }

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: domain = try field.text()
    case 2: version = try field.integer()
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.text(1, domain)
    writer.integer(2, version)
  }
}

/// StringStringEntryProto: a line of text under a key.
struct EntryMessage: WireMessage {
  var key = ""
  var value = ""

  init() {}

  init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: key = try field.text()
    case 2: value = try field.text()
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.text(1, key)
    writer.text(2, value)
  }
}

extension [EntryMessage] {
  subscript(key: String) -> String? { first { $0.key == key }?.value }
}

/// FunctionProto: a model's own operator, made of others.
struct FunctionMessage: WireMessage {
  var name = ""
  var domain = ""
  var overload = ""
  var inputs: [String] = []
  var outputs: [String] = []
  /// Attributes that have defaults.
  var defaults: [AttributeMessage] = []
  var nodes: [NodeMessage] = []
  var operatorSets: [OperatorSetMessage] = []

  mutating func read(_ field: MessageReader.Field) throws(FirnError) {
    switch field.number {
    case 1: name = try field.text()
    case 4: inputs.append(try field.text())
    case 5: outputs.append(try field.text())
    case 7: nodes.append(try field.message())
    case 9: operatorSets.append(try field.message())
    case 10: domain = try field.text()
    case 11: defaults.append(try field.message())
    case 13: overload = try field.text()
    default: break
    }
  }

  func write(to writer: inout MessageWriter) {
    writer.text(1, name)
    writer.texts(4, inputs)
    writer.texts(5, outputs)
    writer.messages(7, nodes)
    writer.messages(9, operatorSets)
    writer.text(10, domain)
    writer.messages(11, defaults)
    writer.text(13, overload)
  }
}
