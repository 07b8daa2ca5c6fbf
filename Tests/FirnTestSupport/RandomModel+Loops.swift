import FirnGraph
import FirnOps

extension RandomModel {
  /// A loop with a random body: carries that swap, stay or take a capture, outputs that are carries, slices, captures,
  /// constants or counters, with and without sequences, forwards and backwards.
  mutating func loop(_ pool: Pool, depth: Int) -> [Tensor] {
    let floats = pool.tensors.filter { $0.dtype == options.dtype }
    guard let outer = floats.last?.graph else { return [] }
    let leading = source.pick(floats)
    var sequences: [Tensor] = []
    if leading.rank > 0, source.chance(80) {
      sequences = [leading]
      if let second = floats.last(where: { $0.shape.first == leading.shape.first }), source.chance(50) {
        sequences.append(second)
      }
    }
    var initial = (0..<source.below(4)).map { _ in source.pick(floats) }
    if source.chance(40), let first = initial.first { initial.append(tanh(first)) }
    if source.chance(25) { initial.append(outer.constant(NDArray(scalar: Int32(2)))) }
    let length: Dim? = sequences.isEmpty ? Dim(source.below(4)) : nil
    let captured = (0..<2).map { _ in source.pick(floats) }
    let reversed = source.chance(40)
    // Drawn in any case, so that the models with and without are the same but for that.
    let (every, isCut) = (1 + source.below(3), source.chance(50))
    let isKnown = (length ?? sequences.first?.shape.first)?.value != nil
    let (carries, outputs) = scan(
      over: sequences, initial: initial, length: length, reversed: reversed,
      recomputation: options.checkpoints && isCut && isKnown ? .every(every) : .none, in: outer
    ) { step in
      body(step, initial: initial, captured: captured, depth: depth)
    }
    let results = carries + outputs
    return results.filter { _ in source.chance(75) }
  }

  private mutating func body(
    _ step: ScanStep, initial: [Tensor], captured: [Tensor], depth: Int
  ) -> ScanResult {
    let graph = step.index.graph
    var pool = Pool(step.carries + step.slices + captured.map { graph.local($0) ?? $0 })
    if source.chance(40) {
      pool.add([sin(step.index.cast(to: options.dtype) * 0.7 + constant([], in: graph))])
    }
    let states = (step.carries + step.slices).filter { $0.dtype == options.dtype && $0.rank > 0 }
    if !states.isEmpty, source.chance(60) {
      // What loops are for: products of states or inputs with kernels.
      pool.add(matrices(source.pick(states)).filter { !$0.isPoisoned && count($0.shape) <= 120 })
    }
    for _ in 0..<(1 + source.below(5)) { pool.add(self.step(pool, depth: depth + 1)) }
    let next = step.carries.map { carry in self.next(of: carry, step, pool) }
    var outputs: [Tensor] = []
    for _ in 0..<source.below(4) {
      switch source.below(8) {
      case 0 where !next.isEmpty: outputs.append(source.pick(next))
      case 1 where !step.carries.isEmpty: outputs.append(source.pick(step.carries))
      case 2 where !step.slices.isEmpty: outputs.append(source.pick(step.slices))
      case 3: outputs.append(source.pick(captured))
      case 4: outputs.append(constant([2], in: graph))
      case 5: outputs.append(step.index)
      default: outputs.append(source.pick(pool.tensors))
      }
    }
    if next.isEmpty, outputs.isEmpty { outputs = [source.pick(pool.tensors)] }
    return ScanResult(carries: next, outputs: outputs)
  }

  private mutating func next(of carry: Tensor, _ step: ScanStep, _ pool: Pool) -> Tensor {
    if carry.dtype == .i32 { return source.chance(50) ? carry + step.index : carry }
    let alike = pool.like(carry.type)
    switch source.below(6) {
    case 0: return carry
    case 1: return source.pick(step.carries.filter { $0.type == carry.type })
    case 2, 3: return source.pick(alike)
    default: return sin(carry + tanh(source.pick(pool.tensors.filter { $0.dtype == carry.dtype }).sum()))
    }
  }
}
