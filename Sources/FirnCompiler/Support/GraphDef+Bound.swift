package import FirnGraph

extension GraphDef {
  /// Names of the bound program's values that it reads, each once, in graph order.
  package var recalledValues: [String] {
    var seen: Set<String> = []
    return nodes.compactMap { node in
      guard node.traits.contains(.recalls), case .recalls(let value) = node.op.effect else { return nil }
      return seen.insert(value).inserted ? value : nil
    }
  }

  /// This step with the bound program's nodes in it: what every run would compute had nothing been hoisted.
  package func computing(_ bound: GraphDef) -> GraphDef {
    if bound.outputs.isEmpty { return self }
    var result = bound
    result.outputs = []
    result.variables = variables
    result.lossName = lossName
    // What both have, a read for instance, is there once.
    var places: [String: Int] = [:]
    for (position, node) in bound.nodes.enumerated() { places[node.name] = position }
    var made: [String: Value] = [:]
    for output in bound.outputs { made[bound.name(of: output)] = output }
    var moved = [Int](repeating: -1, count: nodes.count)
    var recalled: [Int: Value] = [:]
    func value(_ value: Value) -> Value { recalled[value.node] ?? Value(moved[value.node], value.result) }
    for (position, node) in nodes.enumerated() {
      if case .recalls(let name) = node.op.effect {
        guard let source = made[name] else { firnBug("compiler", "nothing makes `\(name)`") }
        recalled[position] = source
      } else {
        var node = node
        node.inputs = node.inputs.map(value)
        if let place = places[node.name] {
          if result.nodes[place] == node {
            moved[position] = place
            continue
          }
          // Later passes name what they make by the step's names alone.
          var number = 1
          while places["\(node.name)_\(number)"] != nil { number += 1 }
          node.name += "_\(number)"
        }
        places[node.name] = result.nodes.count
        moved[position] = result.nodes.count
        result.nodes.append(node)
      }
    }
    result.outputs = outputs.map(value)
    result.origins = nil
    return result
  }
}
