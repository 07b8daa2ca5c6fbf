import FirnGraph
import FirnOps

extension GraphDef {
  /// The graph with every total of a loop that recomputes handed through the loop inside that adds to it.
  ///
  /// A carry that adds the total of a loop inside, begun from zero, becomes what that loop begins with: the additions are
  /// those, and in the order, of one loop over all steps.
  func continuingTotals() -> GraphDef {
    var result = self
    for (position, node) in nodes.enumerated() {
      guard var scan = node.op as? Scan else { continue }
      if scan.recomputes {
        for carry in scan.carryRange {
          scan = scan.continuingTotal(of: carry) { isZero(node.inputs[scan.captureRange.lowerBound + $0]) }
        }
      }
      result.nodes[position].op = scan.with(body: scan.body.continuingTotals())
    }
    return result == self ? self : result.removingDeadNodes(keepingAssignments: true)
  }

  /// Whether `value` is a constant zero in every element.
  ///
  /// - Parameter isZeroCapture: of a loop's body, whether the capture of that position is.
  func isZero(_ value: Value, isZeroCapture: (Int) -> Bool = { _ in false }) -> Bool {
    let node = nodes[value.node]
    switch node.op {
    case is Broadcast, is Reshape: return isZero(node.inputs[0], isZeroCapture: isZeroCapture)
    case let op as Constant: return op.array.scalar == 0
    case let op as LoopInput: return op.kind == .capture && isZeroCapture(op.position)
    default: return false
    }
  }
}

extension Scan {
  fileprivate func continuingTotal(of carry: Int, isZeroCapture: (Int) -> Bool) -> Scan {
    guard let (parameter, step) = total(of: carry), let inner = body.nodes[step.node].op as? Scan,
      inner.carryRange.contains(step.result), inner.total(of: step.result) != nil,
      body.isZero(body.nodes[step.node].inputs[step.result], isZeroCapture: isZeroCapture),
      !body.outputs.contains(step), body.nodes.count(where: { $0.inputs.contains(step) }) == 1
    else { return self }
    var result = body
    result.nodes[step.node].inputs[step.result] = Value(parameter)
    result.outputs[carry] = step
    return with(body: parameter < step.node ? result : result.movingToFront(parameter))
  }
}

extension GraphDef {
  /// The same graph with the node at `position`, which reads nothing, first.
  fileprivate func movingToFront(_ position: Int) -> GraphDef {
    let move: (Value) -> Value = { value in
      Value(value.node == position ? 0 : value.node < position ? value.node + 1 : value.node, value.result)
    }
    var result = self
    result.nodes.insert(result.nodes.remove(at: position), at: 0)
    for index in result.nodes.indices { result.nodes[index].inputs = result.nodes[index].inputs.map(move) }
    result.outputs = outputs.map(move)
    return result
  }
}
