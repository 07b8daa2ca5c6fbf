package import FirnGraph
import FirnOps

extension Compiler {
  /// `hoist-invariants`: what does not vary from step to step is computed once, before the loop.
  ///
  ///     %x = placeholder() {dtype = f32, shape = [time,2]} : f32[time,2]
  ///     %w = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %loop = scan(%x, %w) {carries = 0, slices = 1, captures = 1, length = time, reversed = false, body = {
  ///       %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [2]} : f32[2]
  ///       %scale = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [2]} : f32[2]
  ///       %exp = exp(%scale) : f32[2]
  ///       %mul = mul(%step, %exp) : f32[2]
  ///       return %mul
  ///     }} : f32[time,2]
  ///     return %loop
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [time,2]} : f32[time,2]
  ///     %w = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %loop/exp = exp(%w) : f32[2]
  ///     %loop = scan(%x, %loop/exp) {carries = 0, slices = 1, captures = 1, length = time, reversed = false, body = {
  ///       %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [2]} : f32[2]
  ///       %exp = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [2]} : f32[2]
  ///       %mul = mul(%step, %exp) : f32[2]
  ///       return %mul
  ///     }} : f32[time,2]
  ///     return %loop
  ///
  /// Constants stay: they cost nothing where they are. What can fail when run (an index out of range) stays too, unless
  /// the loop is known to run: a loop of length 0 must not fail for what it would never have done. Random draws read
  /// the loop's index and so vary.
  package static let hoistInvariants = Pass("hoist-invariants") { graph, _ throws(FirnError) in
    graph.hoistingInvariants()
  }
}

extension GraphDef {
  package func hoistingInvariants() -> GraphDef {
    editingLoops { loop in
      let body = loop.body
      let dependence = DependenceAnalysis(body) { $0.loopInput?.kind == .capture ? [] : .step }
      let isRun = loop.scan.length.value.map { $0 > 0 } ?? false
      var hoisted: [Value: Value] = [:]
      for (position, node) in body.nodes.enumerated() {
        switch node.op.effect {
        case .receives, .holds: continue
        case .none, .feeds, .draws, .reads, .writes, .recalls: if !isRun, node.op.canFail { continue }
        }
        let values = node.types.indices.map { Value(position, $0) }
        guard values.allSatisfy({ !dependence[$0].contains(.step) }) else { continue }
        // One that reads what had to stay has to stay.
        let operands = node.inputs.map { hoisted[$0] ?? loop.invariant($0) }
        let inputs = operands.compactMap(\.self)
        guard inputs.count == operands.count else { continue }
        for (value, outer) in zip(values, loop.add(node.op, inputs, like: node)) { hoisted[value] = outer }
      }
      for (position, node) in body.nodes.enumerated() {
        for result in node.types.indices {
          let value = Value(position, result)
          if let outer = hoisted[value] { loop.capture(outer, as: value) }
        }
      }
    }
  }
}
