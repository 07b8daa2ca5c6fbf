extension GraphDef {
  /// Checks everything a graph promises to those who read it.
  ///
  /// | constraint | holds |
  /// | --- | --- |
  /// | V1 | every operand is an existing result of an earlier node |
  /// | V2 | names of nodes are paths, each once in its graph |
  /// | V3 | recorded types are what the op gives for the types of its operands |
  /// | V4 | names of variables are paths, each once; extents are numbers blocks divide; shadows follow earlier ones |
  /// | V5 | what a node reads or writes is a declared variable of the same type |
  /// | V6 | every output is an existing result |
  /// | V7 | loop inputs stand in loop bodies only, each kind and position once |
  /// | V8 | loop bodies hold no placeholder, read, assignment or variable |
  /// | V9 | known extents are not negative, and names of dimensions are letters, digits and `_` |
  ///
  /// The text form says all of these, so a graph that verifies prints and reads back equal.
  ///
  /// - Parameter earlier: a graph of the same variables that has been verified; nodes taken over from it, on operands
  ///   of the types they had there, are not looked into again.
  /// - Throws: `.invalidGraph` with the number of the violated constraint, for the first node that violates one.
  /// - Complexity: linear in nodes and operands.
  package func verify(knowing earlier: GraphDef? = nil) throws(FirnError) {
    var verifier = Verifier(
      graph: self, isBody: false, known: earlier.flatMap { VerifiedNodes(of: $0, in: self) })
    try verifier.run()
  }
}

/// The nodes of a graph that stood in one that has been verified.
private struct VerifiedNodes {
  private let earlier: GraphDef
  /// For each node where it stood there; -1 for one that did not, or of which that is not known.
  private let places: [Int32]
  /// How many nodes did not.
  let newCount: Int

  /// Nil where what was said of variables is no longer so.
  init?(of earlier: GraphDef, in graph: GraphDef) {
    guard graph.variables.starts(with: earlier) else { return nil }
    var places = [Int32](repeating: -1, count: graph.nodes.count)
    var newCount = graph.nodes.count
    // Each once: of two nodes that are one and the same, the second is new, and found out by its name.
    var isTaken = [Bool](repeating: false, count: earlier.nodes.count)
    let origins = graph.origins
    for position in graph.nodes.indices {
      var place = position
      if let origins { place = position < origins.count ? Int(origins[position]) : -1 }
      guard earlier.nodes.indices.contains(place), !isTaken[place],
        earlier.nodes[place].identity == graph.nodes[position].identity
      else { continue }
      isTaken[place] = true
      places[position] = Int32(place)
      newCount -= 1
    }
    self.newCount = newCount
    self.earlier = earlier
    self.places = places
  }

  func hasAllVariables(of graph: GraphDef) -> Bool { graph.variables.count == earlier.variables.count }

  /// Whether the node at `position` is one of them, whatever it reads.
  func contains(_ position: Int) -> Bool { places[position] >= 0 }

  /// Whether the node at `position` is one of them and its operands, which stand before it, have the types that they
  /// had there.
  func covers(_ position: Int, of graph: GraphDef) -> Bool {
    let place = Int(places[position])
    guard place >= 0 else { return false }
    let count = graph.nodes[position].inputs.count
    guard earlier.nodes[place].inputs.count == count else { return false }
    for operand in 0..<count {
      let (here, there) = (earlier.nodes[place].inputs[operand], graph.nodes[position].inputs[operand])
      guard 0..<position ~= there.node else { return false }
      if here.result == there.result, here.node == Int(places[there.node]) { continue }
      let types = graph.nodes[there.node].types
      guard types.indices.contains(there.result), types[there.result] == earlier.type(of: here) else {
        return false
      }
    }
    return true
  }
}

extension [Variable] {
  /// Whether they are those of `earlier`, with further ones behind.
  fileprivate func starts(with earlier: GraphDef) -> Bool {
    count == earlier.variables.count ? self == earlier.variables : starts(with: earlier.variables)
  }
}

private struct Verifier {
  let graph: GraphDef
  let isBody: Bool
  var known: VerifiedNodes?
  /// The types of variables by name, once a node asks.
  private var variables: [String: TensorType]?
  /// Bodies that several nodes share and that have been looked into.
  private var patterns: Set<ObjectIdentifier> = []

  init(graph: GraphDef, isBody: Bool, known: VerifiedNodes? = nil) {
    self.graph = graph
    self.isBody = isBody
    self.known = known
  }

  mutating func run() throws(FirnError) {
    let known = known
    // Those of a graph that was verified have been looked at, unless there are more now.
    if known?.hasAllVariables(of: graph) != true { _ = try declaredVariables() }
    var names = NameSet(of: graph.nodes)
    names.reserve(known?.newCount ?? graph.nodes.count)
    var parameters: Set<String> = []
    for position in graph.nodes.indices {
      let isKnown = known?.contains(position) == true
      if let known, isKnown, known.covers(position, of: graph) { continue }
      let node = graph.nodes[position]
      guard isKnown || names.insert(nodeAt: position) else {
        throw fault("V2", "two nodes have this name", node)
      }
      for (operand, input) in node.inputs.enumerated() {
        guard input.node < position, exists(input) else {
          throw fault(
            "V1",
            "operand \(operand) is result \(input.result) of node \(input.node); this is node \(position)",
            node)
        }
      }
      guard Path.isValid(node.name) else { throw fault("V2", "the name is not a path", node) }
      if node.traits.contains(.body) { try checkBody(of: node) }
      try checkTypes(of: node)
      if !node.traits.isEmpty { try checkEffect(of: node) }
      if node.traits.contains(.receives), let parameter = node.op as? LoopInput {
        guard parameters.insert(parameter.slot).inserted else {
          throw fault("V7", "a second loop input \(parameter.slot)", node)
        }
      }
    }
    if let known { try checkNames(of: known, against: names) }
    for (index, output) in graph.outputs.enumerated()
    where !graph.nodes.indices.contains(output.node) || !exists(output) {
      throw FirnError(
        .invalidGraph,
        "output \(index) is result \(output.result) of node \(output.node), which does not exist",
        constraint: "V6")
    }
  }

  /// Nodes that were verified have each a name of their own; those of new ones must be others.
  private func checkNames(of known: VerifiedNodes, against names: NameSet) throws(FirnError) {
    if names.isEmpty { return }
    for position in graph.nodes.indices
    where known.contains(position) && names.contains(nameOf: graph.nodes[position]) {
      throw fault("V2", "two nodes have this name", graph.nodes[position])
    }
  }

  private func exists(_ value: Value) -> Bool {
    value.node >= 0 && 0..<Int(graph.nodes[value.node].resultCount) ~= value.result
  }

  private mutating func declaredVariables() throws(FirnError) -> [String: TensorType] {
    if let variables { return variables }
    var result: [String: TensorType] = Dictionary(minimumCapacity: graph.variables.count)
    // Only where there are shadows is it asked what they are of.
    var declared: [String: Variable] = [:]
    let hasShadows = graph.variables.contains { $0.shadow != nil }
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
        } else if let fault = variable.shadow?.fault(of: variable, among: { declared[$0] }) {
          fault
        } else {
          nil
        }
      if hasShadows { declared[variable.name] = variable }
      if let message {
        throw FirnError(
          .invalidGraph, "variable `\(variable.name)`: \(message)", constraint: isBody ? "V8" : "V4",
          place: variable.name, location: variable.location)
      }
    }
    variables = result
    return result
  }

  /// Before the op is asked for types, which it may work out from its body.
  private mutating func checkBody(of node: Node) throws(FirnError) {
    guard let carrier = node.op.asBodyOp else { return }
    if let shared = carrier.sharedPattern, !patterns.insert(shared).inserted { return }
    let body = carrier.body
    do {
      var verifier = Verifier(graph: body, isBody: true)
      try verifier.run()
    } catch {
      throw fault(error.constraint ?? "", "in `body`: \(error.message)", node, causes: [error])
    }
  }

  private func checkTypes(of node: Node) throws(FirnError) {
    let operands = node.inputs.map(graph.type(of:))
    // What an operand has was looked at there.
    for type in node.types where type.shape.rank > 0 && !operands.contains(type) {
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
      types = try node.op.resultTypes(of: operands)
    } catch {
      throw fault("V3", "`\(node.mnemonic)` refuses its operands", node, causes: [error])
    }
    guard types == node.types else {
      throw fault(
        "V3", "recorded as \(Self.list(node.types)), but `\(node.mnemonic)` gives \(Self.list(types))", node)
    }
  }

  private mutating func checkEffect(of node: Node) throws(FirnError) {
    switch node.op.effect {
    case .feeds where isBody, .reads where isBody, .writes where isBody:
      throw fault("V8", "`\(node.mnemonic)` in a loop body", node)
    case .recalls where isBody:
      throw fault("V8", "`\(node.mnemonic)` in a loop body", node)
    case .receives where !isBody:
      throw fault("V7", "`\(node.mnemonic)` outside a loop body", node)
    case .reads(let name), .writes(let name):
      guard let type = try declaredVariables()[name] else {
        throw fault("V5", "there is no variable `\(name)`", node)
      }
      guard node.op.fits(node.types.first, variable: type) else {
        throw fault("V5", "variable `\(name)` is \(type), used as \(Self.list(node.types))", node)
      }
    case .none, .feeds, .receives, .draws, .holds, .recalls: break
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
