package import FirnGraph

extension Compiler {
  /// `simplify`: algebra that is exact for every input, NaN and infinities included; but a denormal number that an op
  /// left out would have flushed stays.
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
    let result = rewritten { rewriter, position in rewriter.simplify(position) }
    return result == self ? self : result.removingDeadNodes(keepingAssignments: true)
  }
}

extension GraphRewriter {
  fileprivate mutating func simplify(_ position: Int) {
    if let op = source.nodes[position].op(changingBody: { $0.simplified() }) {
      return keep(position, as: op)
    }
    var node = kept(position)
    var isChanged = false
    // Until nothing applies: what one answer leaves may be what another waits for.
    while let simpler = simplification(of: node) {
      switch simpler {
      case .leaf(let value): return replace(Value(position), with: value)
      case .node(let op, let operands):
        node.op = op
        node.inputs = operands.map { operand in
          operand.fold(leaf: { $0 }) {
            emit($0, $1, named: Path.joined(node.scope, $0.mnemonic), like: node)[0]
          }
        }
        isChanged = true
      }
    }
    if isChanged { place(node, insteadOf: position) }
  }

  private func simplification(of node: Node) -> Expression<Value>? {
    node.op.simplified(in: NodeView(node, in: nodes))
  }
}
