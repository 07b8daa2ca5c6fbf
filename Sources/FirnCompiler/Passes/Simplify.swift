package import FirnGraph
import FirnOps

extension Compiler {
  /// `simplify`: algebra that is exact for every input, NaN and infinities included.
  ///
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %a = identity(%x) : f32[2]
  ///     %b = reshape(%a) {shape = [2,1]} : f32[2,1]
  ///     return %b
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %b = reshape(%x) {shape = [2,1]} : f32[2,1]
  ///     return %b
  ///
  /// | before | after |
  /// | --- | --- |
  /// | `identity(x)`, `stop_gradient(x)` | `x` |
  /// | `reshape`, `broadcast`, `transpose`, `cast` that change nothing | `x` |
  /// | `reshape(reshape(x))` | `reshape(x)` |
  /// | `neg(neg(x))` | `x` |
  /// | `mul(x, 1)`, `div(x, 1)` with a constant (broadcast) one | `x` |
  /// | `concat` of all of x, slice by slice | `x` |
  /// | `matmul(transpose(x), y)` over the last two axes | `matmul` with the flag |
  package static let simplify = Pass("simplify") { graph, _ throws(FirnError) in graph.simplified() }
}

extension GraphDef {
  package func simplified() -> GraphDef {
    var result = self
    var replacement: [Value: Value] = [:]
    var isChanged = false
    let move: (Value) -> Value = { replacement[$0] ?? $0 }
    for position in nodes.indices {
      result.nodes[position].inputs = result.nodes[position].inputs.map(move)
      if let scan = nodes[position].op as? Scan {
        result.nodes[position].op = scan.with(body: scan.body.simplified())
      }
      // Until nothing applies: what one row leaves may be what another waits for.
      while replacement[Value(position)] == nil, let next = result.simplification(of: position) {
        isChanged = true
        switch next {
        case .value(let value): replacement[Value(position)] = value
        case .node(let op, let inputs):
          result.nodes[position].op = op
          result.nodes[position].inputs = inputs
        }
      }
    }
    result.outputs = outputs.map(move)
    return isChanged ? result.removingDeadNodes(keepingAssignments: true) : result
  }

  private enum Simplification {
    case value(Value)
    case node(any Op, [Value])
  }

  private func simplification(of position: Int) -> Simplification? {
    let node = nodes[position]
    guard let first = node.inputs.first else { return nil }
    let unchanged = node.types.count == 1 && type(of: first) == node.types[0]
    switch node.op {
    case is PassThrough:
      return .value(first)
    case is Reshape:
      if unchanged { return .value(first) }
      if nodes[first.node].op is Reshape { return .node(node.op, nodes[first.node].inputs) }
    case is Broadcast, is Cast:
      if unchanged { return .value(first) }
    case let op as Concat:
      if let whole = cutUp(node.inputs, along: op.axis) { return .value(whole) }
    case let op as Transpose:
      if op.permutation == Array(op.permutation.indices) { return .value(first) }
    case let op as Unary where op.function == .neg:
      if let inner = nodes[first.node].op as? Unary, inner.function == .neg {
        return .value(nodes[first.node].inputs[0])
      }
    case let op as Binary:
      let (a, b) = (node.inputs[0], node.inputs[1])
      if op.function == .mul || op.function == .div, isOne(b) { return .value(a) }
      if op.function == .mul, isOne(a) { return .value(b) }
    case let op as MatMul:
      let left = swapsLastAxes(node.inputs[0])
      let right = swapsLastAxes(node.inputs[1])
      if left == nil, right == nil { return nil }
      return .node(
        MatMul(
          transposeA: op.transposeA != (left != nil),
          transposeB: op.transposeB != (right != nil), order: op.order),
        [left ?? node.inputs[0], right ?? node.inputs[1]] + node.inputs.dropFirst(2))
    default: break
    }
    return nil
  }

  /// The value that `pieces` are the adjacent slices of, from its first position to its last.
  private func cutUp(_ pieces: [Value], along axis: Int) -> Value? {
    guard let whole = nodes[pieces[0].node].inputs.first else { return nil }
    let type = type(of: whole)
    var end = 0
    for piece in pieces {
      guard let slice = nodes[piece.node].op as? Slice, nodes[piece.node].inputs == [whole],
        let block = slice.block(of: type), block.axis == axis, block.range.lowerBound == end
      else { return nil }
      end = block.range.upperBound
    }
    return type.shape[axis] == Dim(end) ? whole : nil
  }

  /// Whether `value` is a constant one in every element.
  private func isOne(_ value: Value) -> Bool {
    let node = nodes[value.node]
    if node.op is Broadcast || node.op is Reshape { return isOne(node.inputs[0]) }
    guard let constant = node.op as? Constant else { return false }
    return constant.array.scalar == 1
  }

  /// The operand of a transposition that swaps just the last two axes.
  private func swapsLastAxes(_ value: Value) -> Value? {
    guard let op = nodes[value.node].op as? Transpose, op.permutation.count >= 2 else { return nil }
    var swapped = Array(op.permutation.indices)
    swapped.swapAt(swapped.count - 1, swapped.count - 2)
    return op.permutation == swapped ? nodes[value.node].inputs[0] : nil
  }
}
