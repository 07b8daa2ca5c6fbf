package import FirnGraph
import FirnOps

extension Compiler {
  /// `sum-after-loops`: a sum of products over the steps of a loop back is one product after it.
  ///
  ///     %a = placeholder() {dtype = f32, shape = [time,batch,3]} : f32[time,batch,3]
  ///     %d = placeholder() {dtype = f32, shape = [time,batch,2]} : f32[time,batch,2]
  ///     %zero = constant() {value = f32[](0.0)} : f32[]
  ///     %start = broadcast(%zero) {shape = [3,2]} : f32[3,2] @backward
  ///     %back = scan(%start, %a, %d) {carries = 1, slices = 2, captures = 0, length = time, reversed = true, body = {
  ///       %total = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [3,2]} : f32[3,2]
  ///       %x = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///       %g = loop_input() {kind = "slice", position = 1, dtype = f32, shape = [batch,2]} : f32[batch,2]
  ///       %matmul = matmul(%x, %g) {transpose_a = true, transpose_b = false} : f32[3,2] @backward
  ///       %add = add(%total, %matmul) : f32[3,2] @backward
  ///       return %add
  ///     }} : f32[3,2] @backward
  ///     return %back
  ///
  /// becomes
  ///
  ///     %a = placeholder() {dtype = f32, shape = [time,batch,3]} : f32[time,batch,3]
  ///     %d = placeholder() {dtype = f32, shape = [time,batch,2]} : f32[time,batch,2]
  ///     %zero = constant() {value = f32[](0.0)} : f32[]
  ///     %start = broadcast(%zero) {shape = [3,2]} : f32[3,2] @backward
  ///     %reshape = reshape(%a) {shape = [batch*time,3]} : f32[batch*time,3] @backward
  ///     %reshape_1 = reshape(%d) {shape = [batch*time,2]} : f32[batch*time,2] @backward
  ///     %matmul = matmul_add(%reshape, %reshape_1, %start) {transpose_a = true, transpose_b = false, order = "descending"} : f32[3,2] @backward
  ///     return %matmul
  ///
  /// So a kernel's gradient is one product over steps and batch. Several products in a step are one over their joined
  /// rows. The order is that of the loop, so that the bits are those of segments, each going on from the one before: in
  /// a loop that recomputes, totals of loops inside begin with its own. Other sums stay: adding one step's to a total
  /// in the cache costs no more than keeping all of them.
  ///
  /// The factors of all steps must be kept for it, about as much memory as the forward loop keeps. Backward loops need
  /// memory for every step anyway, so there it is always done; in other loops only if the factors are stacked already;
  /// in loops that recompute never. Whether it is done does not depend on what else is trained, so freezing does not
  /// change a gradient's bits.
  package static let sumAfterLoops = Pass("sum-after-loops") { graph, _ throws(FirnError) in
    graph.summingAfterLoops()
  }
}

extension GraphDef {
  package func summingAfterLoops() -> GraphDef {
    continuingTotals().editingLoops { loop in
      if loop.scan.recomputes { return }
      loop.beginAfter()
      for carry in loop.scan.carryRange { loop.sumAfter(carry) }
    }
  }
}

extension LoopEditor {
  fileprivate mutating func sumAfter(_ carry: Int) {
    guard let total = scan.total(of: carry) else { return }
    let terms = terms(of: total.step)
    guard terms.allSatisfy({ isProductOverSteps($0) }) else { return }
    let needed = terms.flatMap { body.nodes[$0.node].inputs.prefix(2) }
    guard node.phase == .backward || needed.allSatisfy({ isStacked($0) }) else { return }
    let first = body.nodes[terms[0].node]
    var (lefts, rights): ([Value], [Value]) = ([], [])
    for term in terms {
      let (left, right) = factors(body.nodes[term.node])
      lefts.append(left)
      rights.append(right)
    }
    let (left, right) = (joined(lefts, like: first), joined(rights, like: first))
    let product = MatMul(transposeA: true, order: scan.isReversed ? .descending : .ascending)
    replace(result: carry, with: add(product, [left, right, initial(of: carry)], like: first)[0])
  }

  /// What a value is the sum of, as long as nothing else reads the sums between.
  private func terms(of value: Value) -> [Value] {
    guard body.nodes[value.node].isSum, !body.outputs.contains(value), readersInBody(value) == 1
    else { return [value] }
    return body.nodes[value.node].inputs.flatMap { terms(of: $0) }
  }

  private func readersInBody(_ value: Value) -> Int {
    body.nodes.reduce(0) { $0 + $1.inputs.count { $0 == value } }
  }

  private func varies(_ value: Value) -> Bool {
    let node = body.nodes[value.node]
    if case .holds = node.op.effect { return false }
    return node.loopInput?.kind != .capture
  }

  /// Whether `value` is a product of two matrices that vary, from zero on, and nothing but the total reads it.
  private func isProductOverSteps(_ value: Value) -> Bool {
    let node = body.nodes[value.node]
    return node.product != nil && node.inputs.prefix(2).allSatisfy { varies($0) }
      && node.inputs.dropFirst(2).allSatisfy { isZero($0) } && !body.outputs.contains(value)
      && readersInBody(value) == 1
  }

  /// Steps and rows of all `parts` as rows, those of one step together.
  private mutating func joined(_ parts: [Value], like node: Node) -> Value {
    fold(parts.count == 1 ? parts[0] : add(Concat(axis: 1), parts, like: node)[0], like: node)
  }

  /// The factors of a step's product, of all steps: `[length, k, m]` and `[length, k, n]`.
  private mutating func factors(_ node: Node) -> (left: Value, right: Value) {
    guard let op = node.product else { firnBug("sum-after-loops", "`\(node.name)` is no product") }
    return (
      rows(stacked(node.inputs[0]), isLast: !op.transposeA, like: node),
      rows(stacked(node.inputs[1]), isLast: op.transposeB, like: node)
    )
  }

  /// `[length, k, n]`, whichever of the last two k is.
  private mutating func rows(_ value: Value, isLast: Bool, like node: Node) -> Value {
    isLast ? add(Transpose([0, 2, 1]), [value], like: node)[0] : value
  }
}
