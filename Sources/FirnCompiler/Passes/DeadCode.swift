package import FirnGraph
import FirnOps

extension Compiler {
  /// `dead-code`: removes what no output and no assignment needs, inside loops too.
  ///
  /// The first run also drops assignments nobody fetched, but for those that come with training beside what is computed;
  /// later ones keep all that are left.
  ///
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %a = exp(%x) : f32[2]
  ///     %b = tanh(%x) : f32[2]
  ///     return %b
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %b = tanh(%x) : f32[2]
  ///     return %b
  package static let deadCode = Pass("dead-code") { graph, context throws(FirnError) in
    defer { context.hasExtracted = true }
    if context.hasExtracted || !context.request.isTrainingMode {
      return graph.removingDeadNodes(keepingAssignments: context.hasExtracted)
    }
    return graph.extractingWithTrainingAssignments()
  }
}

extension GraphDef {
  /// The graph without nodes that no output (and, if asked, no assignment) needs; loops lose results, carries and
  /// operands that nothing needs.
  ///
  /// - Parameter kept: names of nodes to keep besides.
  package func removingDeadNodes(keepingAssignments: Bool, and kept: Set<String> = []) -> GraphDef {
    var live = [Bool](repeating: false, count: nodes.count)
    let index = ValueIndex(self)
    var used = [Bool](repeating: false, count: index.count)
    for output in outputs {
      used[index[output]] = true
      live[output.node] = true
    }
    var rebuilt = nodes
    var shrunk: [Int: ScanShrinking] = [:]
    for position in nodes.indices.reversed() {
      let node = nodes[position]
      if keepingAssignments, case .writes = node.op.effect { live[position] = true }
      if kept.contains(node.name) { live[position] = true }
      guard live[position] else { continue }
      if let scan = node.op as? Scan {
        let shrinking = scan.shrinking(toResults: node.types.indices.map { used[index[Value(position, $0)]] })
        shrunk[position] = shrinking
        rebuilt[position].op = shrinking.scan
        rebuilt[position].inputs = shrinking.operands.map { node.inputs[$0] }
        rebuilt[position].types = shrinking.results.map { node.types[$0] }
      }
      for input in rebuilt[position].inputs {
        live[input.node] = true
        used[index[input]] = true
      }
    }
    var place = [Int](repeating: -1, count: nodes.count)
    var kept: [Node] = []
    let move: (Value) -> Value = { value in
      let result = shrunk[value.node].map { $0.results.firstIndex(of: value.result) ?? 0 } ?? value.result
      return Value(place[value.node], result)
    }
    for position in nodes.indices where live[position] {
      var node = rebuilt[position]
      node.inputs = node.inputs.map(move)
      place[position] = kept.count
      kept.append(node)
    }
    return GraphDef(nodes: kept, outputs: outputs.map(move), variables: variables)
  }
}

extension GraphDef {
  /// What the outputs need, and the assignments that come with it in training; those may need more, and bring others.
  fileprivate func extractingWithTrainingAssignments() -> GraphDef {
    let assignments = nodes.compactMap { node in
      node.trainingAssignment.map { (name: node.name, beside: nodes[$0.beside.node].name) }
    }
    var kept: Set<String> = []
    while true {
      let result = removingDeadNodes(keepingAssignments: false, and: kept)
      let alive = Set(result.nodes.map(\.name))
      let brought = kept.union(assignments.filter { alive.contains($0.beside) }.map(\.name))
      if brought == kept { return result }
      kept = brought
    }
  }
}

/// A loop without what nobody needs, and which of its operands and results are left.
struct ScanShrinking {
  var scan: Scan
  var operands: [Int]
  var results: [Int]
}

extension Scan {
  /// Keeps the results that are wanted, the carries those depend on, and the operands the rest of the body reads.
  func shrinking(toResults wanted: [Bool]) -> ScanShrinking {
    var needed = wanted
    var trimmed: GraphDef
    var isComplete: Bool
    repeat {
      trimmed = body
      trimmed.outputs = body.outputs.indices.filter { needed[$0] }.map { body.outputs[$0] }
      // Also of loops inside: a carry that only a result nobody needs would read is not needed.
      trimmed = trimmed.removingDeadNodes(keepingAssignments: false)
      isComplete = true
      for node in trimmed.nodes {
        if let parameter = node.op as? LoopInput, parameter.kind == .carry, !needed[parameter.position] {
          needed[parameter.position] = true
          isComplete = false
        }
      }
    } while !isComplete
    let results = body.outputs.indices.filter { needed[$0] }
    var operands: [Int] = []
    for node in trimmed.nodes {
      if let parameter = node.op as? LoopInput, let operand = operand(of: parameter) {
        operands.append(operand)
      }
    }
    operands = Set(operands).union(carryRange.filter { needed[$0] }).sorted()
    for position in trimmed.nodes.indices {
      guard var parameter = trimmed.nodes[position].op as? LoopInput, let operand = operand(of: parameter)
      else { continue }
      let base = operands.firstIndex { kind(of: $0) == parameter.kind } ?? 0
      parameter.position = (operands.firstIndex(of: operand) ?? 0) - base
      trimmed.nodes[position].op = parameter
    }
    let scan = Scan(
      body: trimmed, carries: operands.count { carryRange.contains($0) },
      slices: operands.count { sliceRange.contains($0) },
      captures: operands.count { captureRange.contains($0) },
      length: length, isReversed: isReversed, recomputes: recomputes)
    return ScanShrinking(scan: scan, operands: operands, results: results)
  }

  private func kind(of operand: Int) -> LoopInput.Kind {
    carryRange.contains(operand) ? .carry : sliceRange.contains(operand) ? .slice : .capture
  }
}
