package import FirnGraph
import FirnOps

extension Compiler {
  /// `batch-steps`: products that no step waits for are one product over all steps, before or after the loop.
  ///
  ///     %x = placeholder() {dtype = f32, shape = [time,batch,3]} : f32[time,batch,3]
  ///     %h = placeholder() {dtype = f32, shape = [batch,2]} : f32[batch,2]
  ///     %w = placeholder() {dtype = f32, shape = [3,2]} : f32[3,2]
  ///     %loop = scan(%h, %x, %w) {carries = 1, slices = 1, captures = 1, length = time, reversed = false, body = {
  ///       %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [batch,2]} : f32[batch,2]
  ///       %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///       %kernel = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [3,2]} : f32[3,2]
  ///       %matmul = matmul(%step, %kernel) {transpose_a = false, transpose_b = false} : f32[batch,2]
  ///       %mul = mul(%state, %matmul) : f32[batch,2]
  ///       return %mul
  ///     }} : f32[batch,2]
  ///     return %loop
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [time,batch,3]} : f32[time,batch,3]
  ///     %h = placeholder() {dtype = f32, shape = [batch,2]} : f32[batch,2]
  ///     %w = placeholder() {dtype = f32, shape = [3,2]} : f32[3,2]
  ///     %loop/reshape = reshape(%x) {shape = [batch*time,3]} : f32[batch*time,3]
  ///     %loop/matmul = matmul(%loop/reshape, %w) {transpose_a = false, transpose_b = false} : f32[batch*time,2]
  ///     %loop/reshape_1 = reshape(%loop/matmul) {shape = [time,batch,2]} : f32[time,batch,2]
  ///     %loop = scan(%h, %loop/reshape_1) {carries = 1, slices = 1, captures = 0, length = time, reversed = false, body = {
  ///       %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [batch,2]} : f32[batch,2]
  ///       %matmul = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [batch,2]} : f32[batch,2]
  ///       %mul = mul(%state, %matmul) : f32[batch,2]
  ///       return %mul
  ///     }} : f32[batch,2]
  ///     return %loop
  ///
  /// Before the loop goes a product of a slice with a value from outside, and the ops between the slice and the
  /// product. After the loop goes a product with a value from outside whose result is only stacked, and the ops between
  /// it and the stacked output. Nothing else moves: elementwise work gains nothing from many steps at once, and one
  /// step's fits the cache. Each sum has the terms it had, in their order.
  ///
  /// A loop that recomputes is left alone: all steps at once would have to be kept, which is what it avoids.
  package static let batchSteps = Pass("batch-steps") { graph, _ throws(FirnError) in graph.batchingSteps() }
}

extension GraphDef {
  package func batchingSteps() -> GraphDef {
    editingLoops { loop in
      if loop.scan.recomputes { return }
      loop.batchBefore()
      loop.beginAfter()
      loop.batchAfter()
    }
  }
}

extension LoopEditor {
  private func isSame(_ value: Value) -> Bool { scan.isSame(value) }

  /// How each node of the body is computed over all steps, where its op knows that.
  private func stepRules() -> [StepRule?] {
    body.nodes.enumerated().map { overSteps($0, isSame: $1.inputs.map { isSame($0) }) }
  }

  fileprivate mutating func batchBefore() {
    let rules = stepRules()
    var isMovable = [Bool](repeating: false, count: body.nodes.count)
    for (position, node) in body.nodes.enumerated() {
      isMovable[position] =
        rules[position] != nil
        && node.inputs.allSatisfy { isSame($0) || isMovable[$0.node] || sequence($0) != nil }
    }
    var isMoved = body.nodes.indices.map { isMovable[$0] && rules[$0]?.isGain == true }
    for position in body.nodes.indices.reversed() where isMoved[position] {
      for input in body.nodes[position].inputs where isMovable[input.node] { isMoved[input.node] = true }
    }
    var moved: [Value: Value] = [:]
    for position in body.nodes.indices where isMoved[position] {
      guard let rule = rules[position] else { continue }
      let operands = body.nodes[position].inputs.map { moved[$0] ?? sequence($0) ?? outer($0) }
      moved[Value(position)] = addOverSteps(position, rule, operands)
    }
    for position in body.nodes.indices {
      if let sequence = moved[Value(position)] { slice(sequence, as: Value(position)) }
    }
  }

  fileprivate mutating func batchAfter() {
    let rules = stepRules()
    let states = Set(body.outputs.prefix(scan.carries).map(\.node))
    let consumers = body.consumers
    var isMovable = [Bool](repeating: false, count: body.nodes.count)
    for position in body.nodes.indices.reversed() {
      isMovable[position] =
        !states.contains(position) && consumers[position].allSatisfy { isMovable[$0] }
        && !isReplaced(Value(position)) && rules[position] != nil
    }
    var moved: [Value: Value] = [:]
    for (position, node) in body.nodes.enumerated() where isMovable[position] {
      guard let rule = rules[position], rule.isGain || node.inputs.contains(where: { moved[$0] != nil })
      else { continue }
      let operands = node.inputs.map { moved[$0] ?? (isSame($0) ? outer($0) : stacked($0)) }
      moved[Value(position)] = addOverSteps(position, rule, operands)
    }
    for result in body.outputs.indices.dropFirst(scan.carries) {
      let output = body.outputs[result]
      if let value = moved[output] ?? sequence(output) { replace(result: result, with: value) }
    }
  }

  private mutating func outer(_ value: Value) -> Value {
    guard let outer = invariant(value) else { firnBug("batch-steps", "an operand varies") }
    return outer
  }
}
