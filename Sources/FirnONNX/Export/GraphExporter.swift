import FirnGraph
import FirnOps

/// Writes the nodes of a graph as those of an ONNX model, in inference.
struct GraphExporter {
  /// The value of an attribute of an ONNX node.
  enum Attribute {
    case int(Int)
    case float(Double)
    case ints([Int])
    case text(String)
    case texts([String])
  }

  /// The newest that onnx 1.16 and all later know.
  static let version = 21

  private(set) var message = GraphMessage()
  /// Extents of named dimensions, computed before all else.
  private var prelude: [NodeMessage] = []
  private var nodes: [NodeMessage] = []
  private var scope = ""
  private var count = 0
  private var extents: [Dim: String] = [:]
  /// For each named dimension, a placeholder's axis that has it.
  private var sources: [String: (input: String, axis: Int)] = [:]
  private var faults: [FirnError] = []
  /// The types of what the node being written reads.
  private(set) var operands: [TensorType] = []
  /// What each of them is, or is cut out of, for a loop; and what it is without looking through cuts.
  private(set) var captured: (wholes: [LoopCapture?], asGiven: [LoopCapture?]) = ([], [])
  /// Of each of them that says which steps are within sequences, the name of the sequences' lengths.
  private(set) var lengths: [String?] = []

  static func unsupported(_ what: String) -> FirnError {
    FirnError(
      .invalidGraph, "\(what) has no counterpart in ONNX", remedy: "export a part of the graph without it")
  }

  // MARK: Nodes

  private mutating func name() -> String {
    count += 1
    return "\(scope.isEmpty ? "" : scope + "/")value_\(count)"
  }

  mutating func add(_ op: String, _ inputs: [String], _ attributes: [String: Attribute] = [:]) -> String {
    add(op, inputs, attributes, results: 1)[0]
  }

  mutating func add(
    _ op: String, _ inputs: [String], _ attributes: [String: Attribute], results: Int
  ) -> [String] {
    var node = NodeMessage()
    (node.op, node.inputs) = (op, inputs)
    node.outputs = (0..<results).map { _ in name() }
    node.name = "/" + node.outputs[0]
    node.attributes = attributes.sorted { $0.key < $1.key }.map { key, value in Self.attribute(key, value) }
    nodes.append(node)
    return node.outputs
  }

  private static func attribute(_ name: String, _ value: Attribute) -> AttributeMessage {
    var message = AttributeMessage()
    message.name = name
    switch value {
    case .int(let number): (message.integer, message.type) = (number, 2)
    case .float(let number): (message.float, message.type) = (Float(number), 1)
    case .ints(let numbers): (message.integers, message.type) = (numbers, 7)
    case .text(let text): (message.text, message.type) = (text, 3)
    case .texts(let texts): (message.texts, message.type) = (texts, 8)
    }
    return message
  }

  // MARK: Constants and extents

  /// A constant; as a node where an initialiser would be a variable to who reads the model.
  mutating func constant(_ array: NDArray) -> String {
    if array.dtype.isFloatingPoint, array.elementCount > 1 {
      let name = add("Constant", [])
      var value = AttributeMessage()
      (value.name, value.tensor, value.type) = ("value", TensorMessage("", array), 4)
      nodes[nodes.count - 1].attributes.append(value)
      return name
    }
    let name = name()
    message.initializers.append(TensorMessage(name, array))
    return name
  }

  mutating func integers(_ values: [Int]) -> String {
    let name = name()
    message.initializers.append(TensorMessage(name, integers: values))
    return name
  }

  mutating func number(_ value: Double, _ dtype: DType) -> String {
    constant(NDArray(scalar: value).converted(to: dtype))
  }

  /// A dimension as a vector of one 64-bit integer.
  mutating func extent(_ dim: Dim) throws(FirnError) -> String {
    if let number = dim.value { return integers([number]) }
    if let known = extents[dim] { return known }
    // Before all else, so that loops see it too.
    let (outer, outerScope) = (nodes, scope)
    (nodes, scope) = (prelude, "")
    var total: String?
    for (coefficient, names) in dim.summands {
      var product = integers([coefficient])
      for name in names {
        guard let source = sources[name] else {
          (prelude, nodes, scope) = (nodes, outer, outerScope)
          throw Self.unsupported("the dimension `\(name)`, which no placeholder has by itself,")
        }
        let shape = add("Shape", [source.input])
        let part = add("Gather", [shape, integers([source.axis])])
        product = add("Mul", [product, part])
      }
      if let sum = total { total = add("Add", [sum, product]) } else { total = product }
    }
    let result = total ?? integers([0])
    (prelude, nodes, scope) = (nodes, outer, outerScope)
    extents[dim] = result
    return result
  }

  /// A dimension as one number of a type.
  mutating func scalar(_ dim: Dim, _ dtype: DType) throws(FirnError) -> String {
    add("Cast", [add("Squeeze", [try extent(dim)])], ["to": .int(ElementType(dtype).code)])
  }

  /// The height and width of the image that the node being written reads first.
  func image() throws(FirnError) -> [Int] {
    let extents = operands[0].shape.dimensions.prefix(3).suffix(2).compactMap(\.value)
    guard extents.count == 2 else { throw Self.unsupported("an image of a named extent") }
    return extents
  }

  mutating func shape(_ shape: Shape) throws(FirnError) -> String {
    if let numbers = shape.extents { return integers(numbers) }
    var parts: [String] = []
    for dim in shape { parts.append(try extent(dim)) }
    return parts.count == 1 ? parts[0] : add("Concat", parts, ["axis": .int(0)])
  }

  /// 0, 1 and so on, as `i32`.
  mutating func range(_ extent: Dim) throws(FirnError) -> String {
    add("Range", [number(0, .i32), try scalar(extent, .i32), number(1, .i32)])
  }

  // MARK: Graphs

  /// The model's graph of what computes these values.
  ///
  /// - Parameters:
  ///   - trained: the names of the variables that learn; nil where declarations say it.
  ///   - initializer: the value of a variable, here or in a file beside the model.
  mutating func export(
    _ graph: GraphDef, outputs: [(name: String, value: Value)], trained: Set<String>? = nil,
    initializer: (Variable) throws(FirnError) -> TensorMessage
  ) throws(FirnError) {
    var wanted: Set<Int> = Set(outputs.map(\.value.node))
    for position in graph.nodes.indices.reversed() where wanted.contains(position) {
      let node = graph.nodes[position]
      for input in Self.operands(of: node) { wanted.insert(input.node) }
    }
    for position in graph.nodes.indices where wanted.contains(position) {
      let node = graph.nodes[position]
      guard case .feeds = node.op.effect else { continue }
      message.inputs.append(Self.value(node.name, node.types[0]))
      for (axis, dim) in node.types[0].shape.enumerated()
      where dim.names.count == 1 && dim == Dim(named: dim.names[0]) {
        if sources[dim.names[0]] == nil { sources[dim.names[0]] = (node.name, axis) }
      }
    }
    var names: [Value: String] = [:]
    for position in graph.nodes.indices where wanted.contains(position) {
      let node = graph.nodes[position]
      switch node.op.effect {
      case .feeds: names[Value(position)] = node.name
      case .reads(let variable):
        guard let declared = graph.variable(named: variable) else { continue }
        if !message.initializers.contains(where: { $0.name == variable }) {
          var tensor = try initializer(declared)
          let learns = trained?.contains(variable) ?? declared.isTrainable
          tensor.metadata = [
            EntryMessage("firn.scope", variable), EntryMessage("firn.role", declared.role),
            EntryMessage("firn.trainable", learns ? "true" : "false"),
          ]
          message.initializers.append(tensor)
        }
        names[Value(position)] = variable
      case .writes, .draws: continue
      default: emit(node, at: position, in: graph, &names)
      }
    }
    if faults.count > 1 {
      throw FirnError(.invalidGraph, "\(faults.count) nodes have no counterpart in ONNX", causes: faults)
    }
    if let only = faults.first { throw only }
    for output in outputs {
      let source = try Self.source(output.value, in: graph, names)
      var node = NodeMessage()
      (node.op, node.inputs, node.outputs) = ("Identity", [source], [output.name])
      nodes.append(node)
      message.outputs.append(Self.value(output.name, graph.type(of: output.value)))
    }
    message.nodes = prelude + nodes
    message.name = "firn"
    message.removeUnread()
  }

  /// What a node reads in inference.
  private static func operands(of node: Node) -> [Value] {
    switch node.op {
    case is ByMode: [node.inputs[1]]
    case is Dropout: [node.inputs[0]]
    default: node.inputs
    }
  }

  /// The name that a value has in the model.
  ///
  /// What could not be written has an empty one, as its fault is on record.
  private static func source(
    _ value: Value, in graph: GraphDef, _ names: [Value: String]
  ) throws(FirnError) -> String {
    if let name = names[value] { return name }
    let node = graph.nodes[value.node]
    var error = unsupported("what the op `\(node.mnemonic)` gives")
    error.place = node.name
    throw error
  }

  private mutating func emit(
    _ node: Node, at position: Int, in graph: GraphDef, _ names: inout [Value: String]
  ) {
    let outer = scope
    operands = node.inputs.map { graph.type(of: $0) }
    captured = ([], [])
    if node.op is Scan {
      captured = (
        node.inputs.map { graph.captured($0, cuts: true, names) },
        node.inputs.map { graph.captured($0, cuts: false, names) }
      )
    }
    lengths = node.inputs.map { graph.lengths(masking: $0).flatMap { names[$0] } }
    scope = outer.isEmpty ? node.name : Path.joined(outer, node.name)
    defer { scope = outer }
    do throws(FirnError) {
      guard let entry = ExportTable[node.mnemonic] else {
        throw Self.unsupported("the op `\(node.mnemonic)`")
      }
      // What inference does not read needs no name.
      let read = Self.operands(of: node)
      var inputs: [String] = []
      for input in node.inputs {
        // A loop hands on the state of random draws that its body leaves out in inference.
        var isRead = read.contains(input)
        if case .draws = graph.nodes[input.node].op.effect, node.op is Scan { isRead = false }
        inputs.append(isRead ? try Self.source(input, in: graph, names) : names[input] ?? "")
      }
      let results = try entry(&self, node, inputs)
      for (result, name) in results.enumerated() { names[Value(position, result)] = name }
    } catch {
      var error = error
      if error.place == nil { error.place = node.name }
      faults.append(error)
      for result in node.types.indices { names[Value(position, result)] = "" }
    }
  }

  /// A loop as the recurrent operator that it is, else as ONNX's `Scan`: the index is a sequence like any, and what the loop captures is seen from within.
  mutating func loop(_ node: Node, _ operands: [String]) throws(FirnError) -> [String] {
    guard let loop = node.op as? Scan else { throw Self.unsupported("the op `\(node.mnemonic)`") }
    if let results = try recurrent(loop, operands) { return results }
    if loop.length == 0 {
      // ONNX Runtime runs no loop of no steps.
      var results = Array(operands.prefix(loop.carries))
      for type in node.types.dropFirst(loop.carries) {
        results.append(add("Expand", [number(0, type.dtype), try shape(type.shape)]))
      }
      return results
    }
    let index = try range(loop.length)
    let outer = nodes
    nodes = []
    var body = GraphMessage()
    body.name = "body"
    var names: [Value: String] = [:]
    var states: [(position: Int, message: ValueMessage)] = []
    var slices: [(position: Int, message: ValueMessage)] = []
    let indexName = name()
    for (position, inner) in loop.body.nodes.enumerated() {
      guard let input = inner.op as? LoopInput else {
        emit(inner, at: position, in: loop.body, &names)
        continue
      }
      let name = name()
      switch input.kind {
      case .index: names[Value(position)] = indexName
      case .carry: states.append((input.position, Self.value(name, input.type)))
      case .slice: slices.append((input.position, Self.value(name, input.type)))
      case .capture: names[Value(position)] = operands[loop.carries + loop.slices + input.position]
      }
      if names[Value(position)] == nil { names[Value(position)] = name }
    }
    for position in 0..<loop.carries where !states.contains(where: { $0.position == position }) {
      states.append((position, Self.value(name(), node.types[position])))
    }
    for position in 0..<loop.slices where !slices.contains(where: { $0.position == position }) {
      slices.append((position, Self.value(name(), TensorType(.f32, .scalar))))
    }
    body.inputs =
      states.sorted { $0.position < $1.position }.map(\.message)
      + slices.sorted { $0.position < $1.position }.map(\.message) + [
        Self.value(indexName, TensorType(.i32, .scalar))
      ]
    for output in loop.body.outputs {
      let result = add("Identity", [try Self.source(output, in: loop.body, names)])
      body.outputs.append(Self.value(result, loop.body.type(of: output)))
    }
    body.nodes = nodes
    nodes = outer
    let outputs = loop.body.outputs.count
    let inputs = Array(operands.prefix(loop.carries + loop.slices)) + [index]
    let results = add("Scan", inputs, ["num_scan_inputs": .int(loop.slices + 1)], results: outputs)
    var graph = AttributeMessage()
    (graph.name, graph.graph, graph.type) = ("body", body, 5)
    nodes[nodes.count - 1].attributes.append(graph)
    if loop.isReversed {
      let turned = [Int](repeating: 1, count: loop.slices + 1)
      nodes[nodes.count - 1].attributes.append(Self.attribute("scan_input_directions", .ints(turned)))
      let back = [Int](repeating: 1, count: outputs - loop.carries)
      if !back.isEmpty {
        nodes[nodes.count - 1].attributes.append(Self.attribute("scan_output_directions", .ints(back)))
      }
    }
    return results
  }

  private static func value(_ name: String, _ type: TensorType) -> ValueMessage {
    var message = ValueMessage()
    message.name = name
    var tensor = TensorTypeMessage()
    tensor.elementType = ElementType(type.dtype).code
    var shape = ShapeMessage()
    shape.dimensions = type.shape.map { dim in
      var dimension = DimensionMessage()
      if let number = dim.value { dimension.value = number } else { dimension.parameter = dim.description }
      return dimension
    }
    tensor.shape = shape
    var wrapped = TypeMessage()
    wrapped.tensor = tensor
    message.type = wrapped
    return message
  }
}

extension GraphDef {
  /// The vector of lengths that `mask`, `bool[time, batch]`, holds steps against: `step < lengths`; nil where it is
  /// something else.
  fileprivate func lengths(masking mask: Value) -> Value? {
    let node = nodes[mask.node]
    guard node.mnemonic == "less", node.types[0].shape.rank == 2 else { return nil }
    let shape = node.types[0].shape
    guard let step = vector(node.inputs[0], along: 0, of: shape), nodes[step.node].mnemonic == "iota",
      let lengths = vector(node.inputs[1], along: 1, of: shape), type(of: lengths).dtype == .i32
    else { return nil }
    return lengths
  }

  /// The vector that a matrix repeats along its other axis.
  private func vector(_ value: Value, along axis: Int, of shape: Shape) -> Value? {
    var value = value
    while ["broadcast", "reshape", "identity"].contains(nodes[value.node].mnemonic),
      type(of: value).shape.rank == 2
    {
      let source = nodes[value.node].inputs[0]
      let own = type(of: source).shape
      // A vector lies along the last axis, unless it was reshaped to stand.
      let isKept =
        own.rank == 2
        ? own[axis] == shape[axis] && own[1 - axis] == 1 || own == shape
        : own.rank == 1 && own[0] == shape[axis]
          && (nodes[value.node].mnemonic == "reshape"
            ? type(of: value).shape[axis] == shape[axis] : axis == 1)
      guard isKept else { return nil }
      value = source
    }
    return type(of: value).shape.rank == 1 ? value : nil
  }
}
