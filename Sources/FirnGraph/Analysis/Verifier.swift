extension GraphDef {
  /// Checks everything a graph promises to those who read it.
  ///
  /// | constraint | holds |
  /// | --- | --- |
  /// | V1 | every operand is an existing result of an earlier node |
  /// | V2 | names of nodes are paths, each once in its graph |
  /// | V3 | recorded types are what the op gives for the types of its operands |
  /// | V4 | names of variables are paths, each once; their extents are numbers, which named blocks divide evenly |
  /// | V5 | what a node reads or writes is a declared variable of the same type |
  /// | V6 | every output is an existing result |
  /// | V7 | loop inputs stand in loop bodies only, each kind and position once |
  /// | V8 | loop bodies hold no placeholder, read, assignment, gradient request or variable |
  /// | V9 | known extents are not negative, and names of dimensions are letters, digits and `_` |
  ///
  /// The text form says all of these, so a graph that verifies prints and reads back equal.
  ///
  /// - Parameter earlier: a graph of the same variables that has been verified; nodes taken over from it, on operands of
  ///   the types they had there, are not looked into again.
  /// - Throws: `.invalidGraph` with the number of the violated constraint, for the first node that violates one.
  /// - Complexity: linear in nodes and operands.
  package func verify(knowing earlier: GraphDef? = nil) throws(FirnError) {
    let known = earlier.flatMap { $0.variables == variables ? VerifiedNodes($0) : nil }
    try Verifier(graph: self, isBody: false, known: known).run()
  }
}

/// The nodes of a graph that has been verified.
private struct VerifiedNodes {
  private let graph: GraphDef
  private let positions: [ObjectIdentifier: Int]

  init(_ graph: GraphDef) {
    self.graph = graph
    var positions: [ObjectIdentifier: Int] = Dictionary(minimumCapacity: graph.nodes.count)
    for (position, node) in graph.nodes.enumerated() { positions[node.identity] = position }
    self.positions = positions
  }

  /// Whether `node` of `other` is one of these and its operands have the types that they have here.
  func contains(_ node: Node, of other: GraphDef) -> Bool {
    guard let position = positions[node.identity] else { return false }
    let inputs = graph.nodes[position].inputs
    guard inputs.count == node.inputs.count else { return false }
    return zip(inputs, node.inputs).allSatisfy { here, there in
      let (made, other) = (graph.nodes[here.node], other.nodes[there.node])
      return made.identity == other.identity && here.result == there.result
        || made.types[here.result] == other.types[there.result]
    }
  }
}

private struct Verifier {
  let graph: GraphDef
  let isBody: Bool
  var known: VerifiedNodes?

  func run() throws(FirnError) {
    let variables = try declaredVariables()
    var names: Set<String> = []
    var parameters: Set<String> = []
    for (position, node) in graph.nodes.enumerated() {
      guard names.insert(node.name).inserted else { throw fault("V2", "two nodes have this name", node) }
      for (operand, input) in node.inputs.enumerated() {
        guard input.node < position, exists(input) else {
          throw fault(
            "V1",
            "operand \(operand) is result \(input.result) of node \(input.node); this is node \(position)",
            node)
        }
      }
      if known?.contains(node, of: graph) == true { continue }
      guard Path.isValid(node.name) else { throw fault("V2", "the name is not a path", node) }
      try checkBody(of: node)
      try checkTypes(of: node)
      try checkEffect(of: node, variables: variables)
      if let parameter = node.op as? LoopInput {
        guard parameters.insert(parameter.slot).inserted else {
          throw fault("V7", "a second loop input \(parameter.slot)", node)
        }
      }
    }
    for (index, output) in graph.outputs.enumerated()
    where !graph.nodes.indices.contains(output.node) || !exists(output) {
      throw FirnError(
        .invalidGraph,
        "output \(index) is result \(output.result) of node \(output.node), which does not exist",
        constraint: "V6")
    }
  }

  private func exists(_ value: Value) -> Bool {
    value.node >= 0 && graph.nodes[value.node].types.indices.contains(value.result)
  }

  private func declaredVariables() throws(FirnError) -> [String: TensorType] {
    var result: [String: TensorType] = [:]
    for variable in graph.variables {
      let message: String? =
        if isBody {
          "a loop body declares it"
        } else if !Path.isValid(variable.name) {
          "the name is not a path"
        } else if result.updateValue(variable.type, forKey: variable.name) != nil {
          "two variables have this name"
        } else if variable.type.shape.extents?.allSatisfy({ $0 >= 0 }) != true {
          "its shape is \(variable.type.shape)"
        } else if let fault = variable.blocks?.fault(in: variable.type.shape) {
          fault
        } else {
          nil
        }
      if let message {
        throw FirnError(
          .invalidGraph, "variable `\(variable.name)`: \(message)", constraint: isBody ? "V8" : "V4",
          place: variable.name, location: variable.location)
      }
    }
    return result
  }

  /// Before the op is asked for types, which it may work out from its body.
  private func checkBody(of node: Node) throws(FirnError) {
    guard let body = node.op.asBodyOp?.body else { return }
    do {
      try Verifier(graph: body, isBody: true).run()
    } catch {
      throw fault(error.constraint ?? "", "in `body`: \(error.message)", node, causes: [error])
    }
  }

  private func checkTypes(of node: Node) throws(FirnError) {
    for type in node.types {
      for dimension in type.shape {
        if let value = dimension.value {
          if value < 0 { throw fault("V9", "extent \(value) in \(type)", node) }
        } else if let name = dimension.names.first(where: { !Dim.isName($0) }) {
          throw fault("V9", "dimension `\(name)` in \(type)", node)
        }
      }
    }
    let types: [TensorType]
    do {
      types = try node.op.resultTypes(of: node.inputs.map(graph.type(of:)))
    } catch {
      throw fault("V3", "`\(node.mnemonic)` refuses its operands", node, causes: [error])
    }
    guard types == node.types else {
      throw fault(
        "V3", "recorded as \(Self.list(node.types)), but `\(node.mnemonic)` gives \(Self.list(types))", node)
    }
  }

  private func checkEffect(of node: Node, variables: [String: TensorType]) throws(FirnError) {
    switch node.op.effect {
    case .feeds where isBody, .reads where isBody, .writes where isBody:
      throw fault("V8", "`\(node.mnemonic)` in a loop body", node)
    case .none where isBody && node.op is Gradients:
      throw fault("V8", "a gradient request in a loop body", node)
    case .receives where !isBody:
      throw fault("V7", "`\(node.mnemonic)` outside a loop body", node)
    case .reads(let name), .writes(let name):
      guard let type = variables[name] else { throw fault("V5", "there is no variable `\(name)`", node) }
      guard node.types.first == type else {
        throw fault("V5", "variable `\(name)` is \(type), used as \(Self.list(node.types))", node)
      }
    case .none, .feeds, .receives, .draws, .holds: break
    }
  }

  private func fault(
    _ constraint: String, _ message: String, _ node: Node, causes: [FirnError] = []
  ) -> FirnError {
    FirnError(
      .invalidGraph, "`\(node.name)`: \(message)", constraint: constraint, place: node.name,
      location: node.location, causes: causes)
  }

  private static func list(_ types: [TensorType]) -> String {
    types.isEmpty ? "()" : types.map(\.description).joined(separator: ", ")
  }
}
