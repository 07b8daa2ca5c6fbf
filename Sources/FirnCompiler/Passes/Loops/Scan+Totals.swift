import FirnGraph
import FirnOps

extension Scan {
  /// Where a carry is a sum over the iterations and nothing else, the positions of its parameter, and what is added.
  func total(of carry: Int) -> (parameter: Int, step: Value)? {
    let sum = body.outputs[carry]
    guard body.nodes[sum.node].isSum, body.outputs.count(where: { $0 == sum }) == 1
    else { return nil }
    let operands = body.nodes[sum.node].inputs
    guard let side = operands.firstIndex(where: { isCarry($0, carry) }) else { return nil }
    let (parameter, step) = (operands[side], operands[1 - side])
    let isReadElsewhere = body.nodes.indices.contains { position in
      let inputs = body.nodes[position].inputs
      return inputs.contains(sum) || position != sum.node && inputs.contains(parameter)
    }
    if isReadElsewhere || step == parameter || body.outputs.contains(parameter) { return nil }
    return (parameter.node, step)
  }

  private func isCarry(_ value: Value, _ carry: Int) -> Bool {
    guard let input = body.nodes[value.node].loopInput else { return false }
    return input.kind == .carry && input.position == carry
  }

  /// The loop with only these results; one with a block becomes the total, or the stacked output, of that block.
  func narrowed(to kept: [(result: Int, block: Block?)]) -> Scan {
    let graph = Graph(resuming: body)
    var outputs: [Value] = []
    var places: [Int: Int] = [:]
    func emit(_ op: any Op, _ inputs: [Value], like node: Node) -> Value {
      var model = node
      model.phase = .backward
      return graph.emit(op, inputs, name: node.name, like: model)[0]
    }
    for (place, (result, block)) in kept.enumerated() {
      let output = body.outputs[result]
      let (whole, node) = (body.type(of: output), body.nodes[output.node])
      if let block, !carryRange.contains(result) {
        // What is stacked has the looped axis before those of a step.
        let inner = Block(axis: block.axis - 1, range: block.range)
        outputs.append(emit(Slice(inner, of: whole), [output], like: node))
      } else if let block, let total = total(of: result) {
        let carry = body.nodes[total.parameter]
        let input = graph.emit(
          LoopInput(.carry, place, type: whole.taking(block)), [], name: carry.name, like: carry)[0]
        let step = emit(Slice(block, of: whole), [total.step], like: node)
        outputs.append(emit(node.op, [input, step], like: node))
      } else {
        if carryRange.contains(result) { places[result] = place }
        outputs.append(output)
      }
    }
    var whole = graph.definition
    whole.outputs = outputs
    let before = body.nodes.count
    let narrow = whole.numberingLoopInputs { $0.kind == .carry && $1 < before ? places[$0.position] : nil }
      .removingDeadNodes(keepingAssignments: false).narrowingAdjoints()
    return Scan(
      body: narrow, carries: kept.count { carryRange.contains($0.result) }, slices: slices,
      captures: captures,
      length: length, isReversed: isReversed, recomputes: recomputes)
  }
}
