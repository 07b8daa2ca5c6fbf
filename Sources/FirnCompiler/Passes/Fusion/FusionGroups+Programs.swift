import FirnGraph
import FirnOps

/// What becomes of the groups once they are decided.
extension FusionGroups {
  /// The program of a node; nil where it is run by itself.
  func group(of position: Int) -> Int? {
    guard let number = root(position) else { return nil }
    // One node alone is worth a program where that saves writing out what it reads.
    if groups[number].members.count > 1 { return number }
    let only = groups[number].members[0]
    let isWorthwhile = (starts[only]..<starts[only + 1]).contains { windowOf[Int(inputs[$0])] != Self.none }
    return isWorthwhile ? number : nil
  }

  /// In order.
  func members(of group: Int) -> [Int] { groups[group].members }

  /// Whether the node is made at all: not if only programs read it, who see through it.
  func isNeeded(_ position: Int) -> Bool { needed[position] }

  /// Whether anything reads what the program makes; in a graph with dead nodes it may be nothing.
  func hasResults(_ group: Int) -> Bool { groups[group].members.contains { isResult[index[Value($0)]] } }

  /// Goes through the nodes that must be there for the node at `position`, or the program it is part of.
  func forEachOperand(of position: Int, _ body: (Int) -> Void) {
    guard let group = group(of: position) else {
      for place in starts[position]..<starts[position + 1] { body(Int(owners[Int(inputs[place])])) }
      return
    }
    for member in groups[group].members {
      for place in starts[member]..<starts[member + 1] {
        let node = seenNode(at: place)
        if root(node) != group { body(node) }
      }
    }
  }

  /// The op of a program, what it reads and which nodes its results stand for.
  func program(of group: Int) -> (op: Fused, operands: [Value], results: [Int]) {
    let members = groups[group].members
    // Nodes that are computed, or shown, keep their names; inputs are called what is around, by names of one component.
    var names: Set<String> = []
    for member in members {
      forEachName(member, of: group) { if Path.depth(of: $0) == 1 { names.insert($0) } }
    }
    var body: [Node] = []
    body.reserveCapacity(members.count * 2)
    var operands: [Value] = []
    places.clear()
    for member in members {
      for place in starts[member]..<starts[member + 1] {
        let number = Int(shown[Int(inputs[place])])
        guard root(Int(owners[number])) != group, places[number] == nil else { continue }
        let value = Value(Int(owners[number]), number - index[Value(Int(owners[number]))])
        let type = graph.type(of: value)
        let wanted = Path.last(of: graph.nodes[value.node].name)
        var (name, count) = (wanted, 0)
        while !names.insert(name).inserted {
          count += 1
          name = "\(wanted)_\(count)"
        }
        places[number] = Value(body.count)
        body.append(Node(op: FusedInput(operands.count, type: type), inputs: [], types: [type], name: name))
        operands.append(value)
      }
    }
    for member in members { _ = place(Value(member), in: &body) }
    let results = members.filter { isResult[index[Value($0)]] }
    let definition = GraphDef(nodes: body, outputs: results.map { place(Value($0), in: &body) })
    return (Fused(body: definition, domain: tilings.tiling(groups[group].tiling).shape), operands, results)
  }

  /// Where a value is in the body of the program that is being made; what makes it comes there if it is not.
  private func place(_ value: Value, in body: inout [Node]) -> Value {
    let number = index[value]
    if let known = places[number] { return known }
    var node = graph.nodes[value.node]
    for operand in node.inputs.indices { node.inputs[operand] = place(node.inputs[operand], in: &body) }
    let first = number - value.result
    for result in 0..<Int(node.resultCount) { places[first + result] = Value(body.count, result) }
    body.append(node)
    return Value(body.count - 1, value.result)
  }

  /// The name of a node of a program, and the names of what shows it values of other nodes.
  private func forEachName(_ member: Int, of group: Int, _ body: (String) -> Void) {
    body(graph.nodes[member].name)
    for place in starts[member]..<starts[member + 1] {
      var value = Int(inputs[place])
      while root(Int(owners[value])) != group, windowOf[value] != Self.none {
        let node = Int(owners[value])
        body(graph.nodes[node].name)
        value = Int(inputs[starts[node]])
      }
    }
  }
}
