package import FirnGraph
import FirnOps

extension Compiler {
  /// `sum-after-loops`: a sum over the steps of a loop back is taken after it, over all steps at once.
  ///
  ///     %a = placeholder() {dtype = f32, shape = [time,batch,3]} : f32[time,batch,3]
  ///     %d = placeholder() {dtype = f32, shape = [time,batch,2]} : f32[time,batch,2]
  ///     %zero = constant() {value = f32[](0.0)} : f32[]
  ///     %start = broadcast(%zero) {shape = [3,2]} : f32[3,2] @backward
  ///     %back = scan(%start, %a, %d) {carries = 1, slices = 2, captures = 0, length = time, reversed = true, body = {
  ///       %total = parameter() {kind = "carry", position = 0, dtype = f32, shape = [3,2]} : f32[3,2]
  ///       %x = parameter() {kind = "slice", position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///       %g = parameter() {kind = "slice", position = 1, dtype = f32, shape = [batch,2]} : f32[batch,2]
  ///       %matmul = matmul(%x, %g) {transpose_left = true, transpose_right = false} : f32[3,2] @backward
  ///       %add = add(%total, %matmul) : f32[3,2] @backward
  ///       return %add
  ///     }} : f32[3,2] @backward
  ///     return %back
  ///
  /// becomes
  ///
  ///     %a = placeholder() {dtype = f32, shape = [time,batch,3]} : f32[time,batch,3]
  ///     %d = placeholder() {dtype = f32, shape = [time,batch,2]} : f32[time,batch,2]
  ///     %reshape = reshape(%a) {shape = [batch*time,3]} : f32[batch*time,3] @backward
  ///     %reshape_1 = reshape(%d) {shape = [batch*time,2]} : f32[batch*time,2] @backward
  ///     %matmul = matmul(%reshape, %reshape_1) {transpose_left = true, transpose_right = false} : f32[3,2] @backward
  ///     return %matmul
  ///
  /// | a carry that adds up | becomes |
  /// | --- | --- |
  /// | products of what varies | one product over steps and batch: the gradient of a kernel |
  /// | anything, if only sums over axes read the total | one sum over steps and those axes: the gradient of a bias |
  ///
  /// What is multiplied or summed is kept for all steps, as much again as the loop forth keeps. So this is done in loops
  /// back, which are linear in memory anyway, and elsewhere only for what is there already; never in a loop that
  /// recomputes. It depends on nothing but the total itself: what else is trained does not change a gradient's bits.
  package static let sumAfterLoops = Pass("sum-after-loops") { graph, _ throws(FirnError) in
    graph.summingAfterLoops()
  }
}

extension GraphDef {
  package func summingAfterLoops() -> GraphDef {
    let result = editingLoops { loop in
      if loop.scan.recomputes { return }
      loop.beginAfter()
      for carry in loop.scan.carryRange { loop.sumAfter(carry) }
    }
    return result.mergingSums()
  }

  /// A sum of a sum that nothing else reads is one sum.
  private func mergingSums() -> GraphDef {
    var result = self
    let consumers = consumers
    var isChanged = false
    for (position, node) in nodes.enumerated() {
      if let scan = node.op as? Scan {
        let body = scan.body.mergingSums()
        if body != scan.body { result.nodes[position].op = scan.with(body: body) }
      }
      guard node.phase == .backward, let outer = node.op as? Reduce, outer.function == .sum else { continue }
      let inner = result.nodes[node.inputs[0].node]
      guard let first = inner.op as? Reduce, first.function == .sum, !first.keepsAxes, !outer.keepsAxes,
        consumers[node.inputs[0].node].count == 1, !outputs.contains(node.inputs[0])
      else { continue }
      let left = type(of: inner.inputs[0]).shape.indices.filter { !first.axes.contains($0) }
      let axes = (first.axes + outer.axes.map { left[$0] }).sorted()
      result.nodes[position].op = Reduce(.sum, axes: axes)
      result.nodes[position].inputs = inner.inputs
      isChanged = true
    }
    return isChanged ? result.removingDeadNodes(keepingAssignments: true) : result
  }
}

extension LoopEditor {
  fileprivate mutating func sumAfter(_ carry: Int) {
    guard let total = scan.total(of: carry) else { return }
    let terms = terms(of: total.step)
    let isSummed = readers[carry]?.allSatisfy { ($0.op as? Reduce)?.function == .sum } ?? false
    let isProduct = terms.allSatisfy { isProductOverSteps($0) }
    guard isProduct || isSummed, terms.allSatisfy({ varies($0) }) else { return }
    let needed = isProduct ? terms.flatMap { body.nodes[$0.node].inputs } : terms
    guard node.phase == .backward || needed.allSatisfy({ isStacked($0) }) else { return }
    var sum: Value?
    for term in terms {
      let node = body.nodes[term.node]
      let next =
        isProduct ? product(node) : add(Reduce(.sum, axes: [0]), [stacked(term)], like: adjoint(carry))[0]
      sum = sum.map { add(Binary(.add), [$0, next], like: adjoint(carry))[0] } ?? next
    }
    guard let sum else { return }
    let start = initial(of: carry)
    replace(
      result: carry,
      with: around.isZero(start) ? sum : add(Binary(.add), [start, sum], like: adjoint(carry))[0])
  }

  /// The node that adds to the total: sums made of it belong where it does.
  private func adjoint(_ carry: Int) -> Node { body.nodes[body.outputs[carry].node] }

  /// What a value is the sum of, as long as nothing else reads the sums between.
  private func terms(of value: Value) -> [Value] {
    guard let op = body.nodes[value.node].op as? Binary, op.function == .add,
      !body.outputs.contains(value), readersInBody(value) == 1
    else { return [value] }
    return body.nodes[value.node].inputs.flatMap { terms(of: $0) }
  }

  private func readersInBody(_ value: Value) -> Int {
    body.nodes.reduce(0) { $0 + $1.inputs.count { $0 == value } }
  }

  private func varies(_ value: Value) -> Bool {
    let op = body.nodes[value.node].op
    return !(op is Constant) && (op as? Parameter)?.kind != .capture
  }

  /// Whether `value` is a product of two matrices that vary and nothing but the total reads it.
  private func isProductOverSteps(_ value: Value) -> Bool {
    let node = body.nodes[value.node]
    return node.op is MatMul && node.types[0].shape.rank == 2 && node.inputs.allSatisfy { varies($0) }
      && !body.outputs.contains(value) && readersInBody(value) == 1
  }

  /// The sum over steps of a step's product: the rows that are summed over, of all steps, are those of one product.
  private mutating func product(_ node: Node) -> Value {
    guard let op = node.op as? MatMul else { firnBug("sum-after-loops", "`\(node.name)` is no product") }
    let left = rows(stacked(node.inputs[0]), isLast: !op.transposeLeft, like: node)
    let right = rows(stacked(node.inputs[1]), isLast: op.transposeRight, like: node)
    return add(MatMul(transposeLeft: true, transposeRight: false), [left, right], like: node)[0]
  }

  /// `[length, k, n]`, or with k last, as `[length·k, n]`.
  private mutating func rows(_ value: Value, isLast: Bool, like node: Node) -> Value {
    fold(isLast ? add(Transpose([0, 2, 1]), [value], like: node)[0] : value, like: node)
  }
}

extension NodeList {
  /// Whether `value` is a constant zero in every element.
  func isZero(_ value: Value) -> Bool {
    let node = nodes[value.node]
    if node.op is Broadcast || node.op is Reshape { return isZero(node.inputs[0]) }
    return (node.op as? Constant)?.array.scalar == 0
  }
}
