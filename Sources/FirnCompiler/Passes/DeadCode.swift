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
  /// - Parameter kept: positions of nodes to keep besides.
  package func removingDeadNodes(keepingAssignments: Bool, and kept: [Int] = []) -> GraphDef {
    let (live, shrunk) = liveNodes(keepingAssignments: keepingAssignments, and: kept)
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

  /// For each node whether something needs it, and what is left of loops that lose something.
  func liveNodes(
    keepingAssignments: Bool, and kept: [Int] = []
  ) -> (isLive: [Bool], shrunk: [Int: ScanShrinking]) {
    var live = [Bool](repeating: false, count: nodes.count)
    for output in outputs { live[output.node] = true }
    for position in kept { live[position] = true }
    var used = UsedResults(self)
    var shrunk: [Int: ScanShrinking] = [:]
    // Over memory that is held: asking an array for each operand would count references by the million.
    nodes.withUnsafeBufferPointer { nodes in
      live.withUnsafeMutableBufferPointer { live in
        for position in nodes.indices.reversed() {
          if keepingAssignments, nodes[position].traits.contains(.writes) { live[position] = true }
          guard live[position] else { continue }
          guard nodes[position].traits.contains(.body), let loop = nodes[position].loop,
            let shrinking = loop.shrinking(
              toResults: nodes[position].types.indices.map { used.contains(Value(position, $0)) })
          else {
            nodes[position].inputs.withUnsafeBufferPointer { inputs in
              for input in inputs {
                live[input.node] = true
                used.insert(input)
              }
            }
            continue
          }
          shrunk[position] = shrinking
          for operand in shrinking.operands {
            let input = nodes[position].inputs[operand]
            live[input.node] = true
            used.insert(input)
          }
        }
      }
    }
    return (live, shrunk)
  }
}

/// Which results are used, where it matters: in a graph that has loops.
private struct UsedResults {
  private let index: ValueIndex?
  private var isUsed: [Bool]

  init(_ graph: GraphDef) {
    index = graph.hasLoops ? ValueIndex(graph) : nil
    isUsed = Array(repeating: false, count: index?.count ?? 0)
    for output in graph.outputs { insert(output) }
  }

  mutating func insert(_ value: Value) { if let place = index?[value] { isUsed[place] = true } }
  func contains(_ value: Value) -> Bool { index.map { isUsed[$0[value]] } ?? true }
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
