import FirnGraph

/// A graph as TensorFlow's `GraphDef`, for TensorBoard to draw.
///
/// Source: `tensorflow/core/framework/graph.proto`, `node_def.proto`, `attr_value.proto`.
struct GraphMessage {
  private(set) var bytes: [UInt8] = []

  init(_ graph: GraphDef) {
    let statuses = ScopeStatuses(graph)
    var message = EventMessage()
    Self.append(graph, below: "", to: &message, statuses)
    message.message(4) { $0.integer(1, 1) }
    bytes = message.bytes
  }

  private static func append(
    _ graph: GraphDef, below path: String, to message: inout EventMessage, _ statuses: ScopeStatuses
  ) {
    for position in graph.nodes.indices {
      let node = graph.nodes[position]
      let name = Path.joined(path, node.name)
      message.message(1) {
        $0.text(1, name)
        $0.text(2, node.mnemonic)
        for input in node.inputs {
          let source = Path.joined(path, graph.nodes[input.node].name)
          $0.text(3, input.result == 0 ? source : "\(source):\(input.result)")
        }
        let device = statuses.device(of: node, at: name)
        if !device.isEmpty { $0.text(4, device) }
        attribute("_output_shapes", in: &$0) { value in
          value.message(1) { list in
            for type in node.types { list.message(7) { shape(type.shape, in: &$0) } }
          }
        }
        if let type = node.types.first {
          attribute("dtype", in: &$0) { $0.varint(6, code(of: type.dtype)) }
        }
      }
      if let body = graph.nestedGraph(of: position) { append(body, below: name, to: &message, statuses) }
    }
  }

  private static func attribute(
    _ key: String, in node: inout EventMessage, _ value: (inout EventMessage) -> Void
  ) {
    node.message(5) { entry in
      entry.text(1, key)
      entry.message(2, value)
    }
  }

  private static func shape(_ shape: Shape, in message: inout EventMessage) {
    for dimension in shape {
      message.message(2) {
        $0.integer(1, dimension.value ?? -1)
        if dimension.value == nil { $0.text(2, dimension.description) }
      }
    }
  }

  /// As in `types.proto`.
  private static func code(of dtype: DType) -> UInt64 {
    switch dtype {
    case .f32: 1
    case .f64: 2
    case .i32: 3
    case .bool: 10
    }
  }
}

/// What the variables of each scope of a graph are.
private struct ScopeStatuses {
  private var variables: [String: TrainingStatus] = [:]
  private var scopes: [String: TrainingStatus] = [:]

  init(_ graph: GraphDef) {
    for variable in graph.variables where variable.kind != .slot {
      let status = graph.decided[variable.name] ?? variable.declaredStatus
      variables[variable.name] = status
      if variable.kind == .state { continue }
      for scope in Path.ancestors(of: variable.name) {
        scopes[scope] = scopes[scope].map { $0 == status ? status : .partly } ?? status
      }
    }
  }

  /// The status of the variable that a node reads, else that of the innermost scope around it with variables, but in
  /// other phases than forward the phase; nothing where no scope has any.
  func device(of node: Node, at path: String) -> String {
    if node.phase != .forward { return node.phase.rawValue }
    if case .reads(let name) = node.op.effect, let status = variables[name] { return status.rawValue }
    return Path.ancestors(of: path).lazy.compactMap { scopes[$0] }.first?.rawValue ?? ""
  }
}
