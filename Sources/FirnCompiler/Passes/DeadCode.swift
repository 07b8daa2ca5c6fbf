package import FirnGraph
import FirnOps

extension Compiler {
  /// `dead-code`: removes what no output and no assignment needs, inside loops too.
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
  package static let deadCode = Pass("dead-code") { graph, _ throws(FirnError) in
    graph.removingDeadNodes(keepingAssignments: true)
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
    var shrunk: [Int: ScanShrinking] = [:]
    for position in nodes.indices.reversed() {
      let node = nodes[position]
      if keepingAssignments, case .writes = node.op.effect { live[position] = true }
      if kept.contains(node.name) { live[position] = true }
      guard live[position] else { continue }
      var inputs = node.inputs
      if let loop = node.loop {
        let wanted = node.types.indices.map { used[index[Value(position, $0)]] }
        if let shrinking = loop.shrinking(toResults: wanted) {
          inputs = shrinking.operands.map { node.inputs[$0] }
          shrunk[position] = shrinking
        }
      }
      for input in inputs {
        live[input.node] = true
        used[index[input]] = true
      }
    }
    if shrunk.isEmpty, live.allSatisfy(\.self) { return self }
    return rewritten { rewriter, position in
      guard live[position] else { return rewriter.drop(position) }
      guard let shrinking = shrunk[position] else { return }
      var node = nodes[position]
      node.op = shrinking.scan
      node.inputs = shrinking.operands.map { rewriter(node.inputs[$0]) }
      node.types = shrinking.results.map { node.types[$0] }
      rewriter.place(node, insteadOf: position, results: shrinking.results)
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
  /// Keeps the results that are wanted, the carries those depend on, and the operands the rest of the body reads; nil
  /// where that is everything.
  func shrinking(toResults wanted: [Bool]) -> ScanShrinking? {
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
        if let input = node.loopInput, input.kind == .carry, !needed[input.position] {
          needed[input.position] = true
          isComplete = false
        }
      }
    } while !isComplete
    let results = body.outputs.indices.filter { needed[$0] }
    var operands: [Int] = []
    for node in trimmed.nodes {
      if let input = node.loopInput, let operand = operand(of: input) { operands.append(operand) }
    }
    operands = Set(operands).union(carryRange.filter { needed[$0] }).sorted()
    if operands.count == operandCount, results.count == body.outputs.count, trimmed == body { return nil }
    let numbered = trimmed.numberingLoopInputs { input, _ in
      guard let operand = operand(of: input) else { return nil }
      let base = operands.firstIndex { kind(of: $0) == input.kind } ?? 0
      return (operands.firstIndex(of: operand) ?? 0) - base
    }
    let scan = Scan(
      body: numbered, carries: operands.count { carryRange.contains($0) },
      slices: operands.count { sliceRange.contains($0) },
      captures: operands.count { captureRange.contains($0) },
      length: length, isReversed: isReversed, recomputes: recomputes)
    return ScanShrinking(scan: scan, operands: operands, results: results)
  }

  private func kind(of operand: Int) -> LoopInput.Kind {
    carryRange.contains(operand) ? .carry : sliceRange.contains(operand) ? .slice : .capture
  }
}
