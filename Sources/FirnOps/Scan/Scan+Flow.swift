import FirnGraph

/// Which gradients a loop passes, and what stops the others.
extension Scan {
  /// Paths through a body, closed over any number of iterations: a path is as good as its worst edge, and the best path
  /// counts.
  static func flow(body: GraphDef, carries: Int, slices: Int, captures: Int) -> [[GradientFlow]] {
    let operands = carries + slices + captures
    let index = ValueIndex(body)
    var reached = [[GradientFlow]](
      repeating: Array(repeating: .notDifferentiable, count: operands), count: index.count)
    for (position, node) in body.nodes.enumerated() {
      if let parameter = node.op as? LoopInput {
        guard node.types[0].dtype.isFloatingPoint else { continue }
        let base: Int? =
          switch parameter.kind {
          case .index: nil
          case .carry: 0
          case .slice: carries
          case .capture: carries + slices
          }
        if let base { reached[index[Value(position)]][base + parameter.position] = .passes }
        continue
      }
      for result in node.types.indices {
        let value = index[Value(position, result)]
        for (operand, input) in node.inputs.enumerated() {
          let edge = node.op.gradientFlow(from: operand, to: result)
          if edge == .notDifferentiable { continue }
          let incoming = reached[index[input]]
          for source in 0..<operands {
            reached[value][source].join(incoming[source].followed(by: edge))
          }
        }
      }
    }
    var flow = (0..<operands).map { operand in body.outputs.map { reached[index[$0]][operand] } }
    for carry in 0..<carries where body.type(of: body.outputs[carry]).dtype.isFloatingPoint {
      flow[carry][carry] = .passes
    }
    for carry in 0..<carries {
      for operand in 0..<operands {
        for result in body.outputs.indices {
          flow[operand][result].join(flow[operand][carry].followed(by: flow[carry][result]))
        }
      }
    }
    return flow
  }

  package func stops(from operand: Int, to result: Int) -> [String] {
    let index = ValueIndex(body)
    var isReached = [Bool](repeating: false, count: index.count)
    var isNeeded = isReached
    for (position, node) in body.nodes.enumerated() {
      if let parameter = node.op as? LoopInput, self.operand(of: parameter) == operand {
        isReached[index[Value(position)]] = true
      }
    }
    isNeeded[index[body.outputs[result]]] = true
    // A gradient may go round several times before it meets a stop.
    for _ in 0...carries {
      for (position, node) in body.nodes.enumerated() {
        if let parameter = node.op as? LoopInput {
          if parameter.kind == .carry, isReached[index[body.outputs[parameter.position]]] {
            isReached[index[Value(position)]] = true
          }
          continue
        }
        for result in node.types.indices {
          for (operand, input) in node.inputs.enumerated() where isReached[index[input]] {
            let edge = node.op.gradientFlow(from: operand, to: result)
            if edge == .passes || edge == .zero { isReached[index[Value(position, result)]] = true }
          }
        }
      }
      for (position, node) in body.nodes.enumerated().reversed() {
        for result in node.types.indices where isNeeded[index[Value(position, result)]] {
          if let parameter = node.op as? LoopInput, parameter.kind == .carry {
            isNeeded[index[body.outputs[parameter.position]]] = true
          }
          for (operand, input) in node.inputs.enumerated()
          where node.op.gradientFlow(from: operand, to: result) != .notDifferentiable {
            isNeeded[index[input]] = true
          }
        }
      }
    }
    var names: [String] = []
    for (position, node) in body.nodes.enumerated() {
      for result in node.types.indices where isNeeded[index[Value(position, result)]] {
        for (operand, input) in node.inputs.enumerated()
        where isReached[index[input]] && node.op.gradientFlow(from: operand, to: result) == .stopped {
          for name in node.stops(from: operand, to: result) where !names.contains(name) { names.append(name) }
        }
      }
    }
    return names
  }
}

extension GradientFlow {
  /// From no path at all to one that passes.
  private var rank: Int {
    switch self {
    case .notDifferentiable: 0
    case .stopped: 1
    case .zero: 2
    case .passes: 3
    }
  }

  /// The flow along a path of two edges.
  fileprivate func followed(by next: GradientFlow) -> GradientFlow { next.rank < rank ? next : self }

  /// Takes a second path beside this one into account.
  fileprivate mutating func join(_ other: GradientFlow) { if other.rank > rank { self = other } }
}
