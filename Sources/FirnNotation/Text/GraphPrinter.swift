public import FirnGraph

extension GraphDef {
  /// The graph in Firn's text form, without source locations; parsing it gives an equal graph.
  ///
  /// `Docs/GraphText.md` describes the form.
  public var text: String { text(includingLocations: false) }

  /// The graph in Firn's text form.
  ///
  /// - Parameter includingLocations: whether each line ends with the place in the program that made it.
  public func text(includingLocations: Bool) -> String {
    var printer = GraphPrinter(includesLocations: includingLocations)
    printer.print(self)
    return printer.text
  }
}

/// Writes the text form.
struct GraphPrinter {
  var includesLocations: Bool
  private(set) var text = ""

  /// Arrays up to this size print their elements, larger ones their bytes.
  static let elementLimit = 16

  init(includesLocations: Bool) { self.includesLocations = includesLocations }

  mutating func print(_ graph: GraphDef) {
    text = "firn \(GraphSyntax.version)\n"
    if !graph.variables.isEmpty {
      text += "\n"
      for variable in graph.variables { print(variable, indent: "") }
    }
    if !graph.nodes.isEmpty || !graph.outputs.isEmpty { text += "\n" }
    printNodes(of: graph, indent: "")
  }

  private mutating func printNodes(of graph: GraphDef, indent: String) {
    for node in graph.nodes { print(node, in: graph, indent: indent) }
    if let loss = graph.loss { text += indent + "loss " + list([loss], in: graph) + "\n" }
    if !graph.outputs.isEmpty {
      text += indent + "return " + list(graph.outputs, in: graph) + "\n"
    }
  }

  private mutating func print(_ variable: Variable, indent: String) {
    text += "\(indent)variable \(variable.name) : \(variable.type) "
    print(GraphSyntax.attributes(of: variable), indent: indent)
    print(variable.location)
    text += "\n"
  }

  private mutating func print(_ node: Node, in graph: GraphDef, indent: String) {
    text += indent + "%" + node.name
    if node.types.count != 1 { text += ":\(node.types.count)" }
    text += " = \(node.mnemonic)(\(list(node.inputs, in: graph)))"
    let attributes = node.op.attributes
    if !attributes.isEmpty {
      text += " "
      print(attributes, indent: indent)
    }
    text += " : " + (node.types.isEmpty ? "()" : node.types.map(\.description).joined(separator: ", "))
    if node.phase != .forward { text += " @\(node.phase.rawValue)" }
    print(node.location)
    text += "\n"
  }

  private mutating func print(_ location: CallSite?) {
    if includesLocations, let location { text += " @" + GraphSyntax.quoted(location.description) }
  }

  private func list(_ values: [Value], in graph: GraphDef) -> String {
    values.map { "%" + graph.name(of: $0) }.joined(separator: ", ")
  }

  // MARK: Attributes

  private mutating func print(_ attributes: Attributes, indent: String) {
    text += "{"
    for (index, entry) in attributes.entries.enumerated() {
      text += (index == 0 ? "" : ", ") + entry.key + " = "
      print(entry.value, indent: indent)
    }
    text += "}"
  }

  private mutating func print(_ value: AttributeValue, indent: String) {
    switch value {
    case .bool(let value): text += value ? "true" : "false"
    case .int(let value): text += String(value)
    case .double(let value): text += value.isNaN ? "nan" : value.description
    case .string(let value): text += GraphSyntax.quoted(value)
    case .dtype(let value): text += value.rawValue
    case .dimension(let value): text += GraphSyntax.unambiguous(value)
    case .list(let values):
      let separator = values.allSatisfy(\.isExtent) ? "," : ", "
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += separator }
        print(value, indent: indent)
      }
      text += "]"
    case .array(let array): print(array)
    case .graph(let graph):
      text += "{\n"
      for variable in graph.variables { print(variable, indent: indent + "  ") }
      printNodes(of: graph, indent: indent + "  ")
      text += indent + "}"
    }
  }

  private mutating func print(_ array: NDArray) {
    text += array.type.description
    let elements = array.elementCount <= Self.elementLimit ? Self.elements(of: array) : nil
    if let elements {
      text += "(" + elements.joined(separator: ", ") + ")"
    } else {
      text += "x\""
      let digits = Array("0123456789abcdef".utf8)
      array.withUnsafeBytes { bytes in
        text += String(unsafeUninitializedCapacity: 2 * bytes.count) { buffer in
          for (index, byte) in bytes.enumerated() {
            buffer[2 * index] = digits[Int(byte >> 4)]
            buffer[2 * index + 1] = digits[Int(byte & 15)]
          }
          return 2 * bytes.count
        }
      }
      text += "\""
    }
  }

  /// The elements as text that reads back to the same bits; nil where one has none.
  private static func elements(of array: NDArray) -> [String]? {
    array.withUnsafeBytes { bytes in
      var result: [String] = []
      for index in 0..<array.elementCount {
        switch array.dtype {
        case .f32:
          let value = bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
          guard value.isFinite else { return nil }
          result.append(value.description)
        case .f64:
          let value = bytes.loadUnaligned(fromByteOffset: 8 * index, as: Double.self)
          guard value.isFinite else { return nil }
          result.append(value.description)
        case .i32:
          result.append(bytes.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self).description)
        case .bool:
          guard bytes[index] <= 1 else { return nil }
          result.append(bytes[index] == 1 ? "true" : "false")
        }
      }
      return result
    }
  }
}

extension AttributeValue {
  fileprivate var isExtent: Bool {
    switch self {
    case .int, .dimension: true
    default: false
    }
  }
}
