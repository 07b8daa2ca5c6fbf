import FirnGraph
import FirnOps

extension GraphDef {
  /// The graph with every total of a loop that recomputes handed through the loop inside that adds to it.
  ///
  /// Before, each segment's loop begins its total at zero, and the loop around adds it to its own: (a₁ + a₂) + (a₃ +
  /// a₄). After, the loop inside begins with the total of the loop around, which it returns: ((a₁ + a₂) + a₃) + a₄.
  /// These are the additions, in their order, of one loop over all steps.
  func continuingTotals() -> GraphDef {
    guard hasLoops else { return self }
    let result = rewritten { rewriter, position in
      guard nodes[position].traits.contains(.body) else { return }
      var node = nodes[position]
      let changed = node.op { $0.continuingTotals() }
      if let changed { node.op = changed }
      guard let scan = node.loop, scan.recomputes else { return rewriter.keep(position, as: changed) }
      let first = scan.captureRange.lowerBound
      let continuing = scan.carryRange.reduce(scan) { scan, carry in
        scan.continuingTotal(of: carry) { isZero(node.inputs[first + $0]) }
      }
      rewriter.keep(position, as: continuing == scan ? changed : continuing)
    }
    return result == self ? self : result.removingDeadNodes(keepingAssignments: true)
  }

  /// Whether `value` is a constant zero in every element.
  ///
  /// - Parameter isZeroCapture: of a loop's body, whether the capture of that position is.
  func isZero(_ value: Value, isZeroCapture: (Int) -> Bool = { _ in false }) -> Bool {
    var source = value
    while isRearranged(source) { source = nodes[source.node].inputs[0] }
    if let input = nodes[source.node].loopInput, input.kind == .capture {
      return isZeroCapture(input.position)
    }
    return ValueView(source, in: nodes).uniform == 0
  }
}

extension Scan {
  fileprivate func continuingTotal(of carry: Int, isZeroCapture: (Int) -> Bool) -> Scan {
    guard let (parameter, step) = total(of: carry), let inner = body.nodes[step.node].loop,
      inner.carryRange.contains(step.result), inner.total(of: step.result) != nil,
      body.isZero(body.nodes[step.node].inputs[step.result], isZeroCapture: isZeroCapture),
      !body.outputs.contains(step), body.nodes.count(where: { $0.inputs.contains(step) }) == 1
    else { return self }
    var rewriter = GraphRewriter(body)
    if parameter > step.node { rewriter.keep(parameter) }
    for position in body.nodes.indices where !rewriter.isDone(position) {
      var node = rewriter.kept(position)
      if position == step.node { node.inputs[step.result] = rewriter(Value(parameter)) }
      rewriter.place(node, insteadOf: position)
    }
    var outputs = body.outputs
    outputs[carry] = step
    return with(body: rewriter.finish(outputs: outputs.map { rewriter($0) }))
  }
}
