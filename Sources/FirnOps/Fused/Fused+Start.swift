package import FirnGraph

/// Programs that begin with a node that is no instruction.
extension Fused {
  /// This program with the node in it that makes what it reads as its operand number `operand`, and what it reads then.
  ///
  /// Nil where it cannot begin with that node. Names of nodes stay; inputs are called what they are around.
  ///
  /// - Parameters:
  ///   - position: of the node in `graph`.
  ///   - operands: what this program reads of `graph`.
  package func beginning(
    with position: Int, insteadOf operand: Int, of operands: [Value], in graph: GraphDef
  ) -> (op: Fused, operands: [Value])? {
    let node = graph.nodes[position]
    guard node.traits.contains(.start), node.types.map(\.shape) == [domain] else { return nil }
    var read: [Value] = []
    for value in node.inputs + operands where value != Value(position) && !read.contains(value) {
      read.append(value)
    }
    var names = Set(body.nodes.lazy.filter { $0.fusedInput == nil }.map(\.name))
    names.insert(node.name)
    var nodes: [Node] = []
    for (number, value) in read.enumerated() {
      let wanted = Path.last(of: graph.nodes[value.node].name)
      var (name, count) = (wanted, 0)
      while !names.insert(name).inserted {
        count += 1
        name = "\(wanted)_\(count)"
      }
      let type = graph.type(of: value)
      nodes.append(Node(op: FusedInput(number, type: type), inputs: [], types: [type], name: name))
    }
    // Inputs stand where they are counted.
    func place(_ value: Value) -> Value { Value(read.firstIndex(of: value) ?? 0) }
    var start = node
    start.inputs = node.inputs.map(place)
    nodes.append(start)
    var places: [Int] = []
    for old in body.nodes {
      if let input = old.fusedInput {
        places.append(
          input.position == operand ? read.count : place(operands[input.position]).node)
        continue
      }
      var copy = old
      copy.inputs = old.inputs.map { Value(places[$0.node], $0.result) }
      places.append(nodes.count)
      nodes.append(copy)
    }
    let outputs = body.outputs.map { Value(places[$0.node], $0.result) }
    let result = Fused(body: GraphDef(nodes: nodes, outputs: outputs), domain: domain)
    return result.isSound ? (result, read) : nil
  }
}

extension GraphDef {
  /// The program that is the instruction at `position` and nothing else; nil where that is none by itself.
  package func program(of position: Int) -> Fused? {
    let node = nodes[position]
    guard node.traits.contains(.instruction), node.types.count == 1, !node.op.canFail else { return nil }
    var names: Set<String> = [node.name]
    var body: [Node] = []
    for input in node.inputs {
      let wanted = Path.last(of: nodes[input.node].name)
      var (name, count) = (wanted, 0)
      while !names.insert(name).inserted {
        count += 1
        name = "\(wanted)_\(count)"
      }
      let type = type(of: input)
      body.append(Node(op: FusedInput(body.count, type: type), inputs: [], types: [type], name: name))
    }
    var instruction = node
    instruction.inputs = body.indices.map { Value($0) }
    body.append(instruction)
    return Fused(body: GraphDef(nodes: body, outputs: [Value(body.count - 1)]), domain: node.types[0].shape)
  }
}
