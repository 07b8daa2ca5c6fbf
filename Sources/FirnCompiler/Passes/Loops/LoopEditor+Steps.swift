import FirnGraph
import FirnOps

extension LoopEditor {
  /// How the node at `position` is computed for all steps at once, given which operands do not vary; nil where its op
  /// does not know.
  func overSteps(_ position: Int, isSame: [Bool]) -> StepRule? {
    let node = body.nodes[position]
    guard node.types.count == 1, isSame.contains(false) else { return nil }
    return node.op.overSteps(scan.length, varying: isSame.map { !$0 }, in: body.types(round: position))
  }

  /// Adds what the node at `position` computes over all steps, `[length, …]`.
  ///
  /// - Parameter operands: values around the loop: of what varies all steps, of the rest the value itself.
  mutating func addOverSteps(_ position: Int, _ rule: StepRule, _ operands: [Value]) -> Value {
    let node = body.nodes[position]
    return rule.expression.fold(leaf: { operands[$0] }) { op, inputs in
      op.mnemonic == node.mnemonic ? add(op, inputs, like: node)[0] : addBeside(op, inputs, node)
    }
  }

  /// The leading two axes as one.
  mutating func fold(_ value: Value, like node: Node) -> Value {
    let shape = type(of: value).shape
    return addBeside(Reshape(Shape([shape[0] * shape[1]] + shape.dropFirst(2))), [value], node)
  }

  /// Adds an op that helps compute `node`, in its scope and under the op's mnemonic; adds nothing if the op would
  /// return its operand unchanged.
  private mutating func addBeside(_ op: any Op, _ inputs: [Value], _ node: Node) -> Value {
    if case .view(of: 0) = op.aliasing, let types = try? op.resultTypes(of: inputs.map { type(of: $0) }),
      types == [type(of: inputs[0])]
    {
      return inputs[0]
    }
    var model = node
    model.name = Path.joined(Path.parent(of: node.name), op.mnemonic)
    return add(op, inputs, like: model)[0]
  }
}

extension Scan {
  /// Whether a value of the body is a capture or a constant: what does not vary, once `hoist-invariants` has run.
  func isSame(_ value: Value) -> Bool {
    let node = body.nodes[value.node]
    if case .holds = node.op.effect { return true }
    return node.loopInput?.kind == .capture
  }
}
