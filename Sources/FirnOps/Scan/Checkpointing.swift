import FirnGraph

/// What a loop keeps for its gradient.
public enum Checkpointing: Hashable, Sendable {
  /// Everything the gradient reads, of every step.
  case none
  /// The state before every n-th step; the steps between are computed again.
  ///
  /// For T steps, T/n states and n steps' values are held at a time: least for n near √T (Chen et al., *Training Deep
  /// Nets with Sublinear Memory Cost*, 2016, section 4.1). It costs each step once more.
  case every(Int)
}

/// A loop over segments of `count` steps, which recomputes, around a loop over the steps of one.
func scanSegments(
  of count: Int, over sequences: [Tensor], initial: [Tensor], length: Dimension, reversed: Bool,
  in outer: Graph, name: String, location: SourceLocation, body: (ScanStep) -> ScanResult
) -> (carries: [Tensor], outputs: [Tensor]) {
  func poisoned(_ message: String, _ remedy: String) -> (carries: [Tensor], outputs: [Tensor]) {
    let poison = outer.report(
      FirnError(.invalidArgument, "scan: \(message)", remedy: remedy), operands: sequences + initial,
      name: name,
      location: location)
    let slices = sequences.map { _ in poison }
    let result = body(ScanStep(index: poison, carries: initial.map { _ in poison }, slices: slices))
    return (initial.map { _ in poison }, result.outputs.map { _ in poison })
  }
  guard count > 0 else {
    return poisoned("a checkpoint every \(count) steps", "keep one every step at least")
  }
  let rest = length.value.map { $0 % count } ?? 0
  guard let segments = (length - Dimension(rest)).divided(exactlyBy: Dimension(count)) else {
    return poisoned(
      "\(length) steps do not fall into segments of \(count)",
      "give the number of steps, or a dimension such as `\(count)*segments`")
  }
  let whole = segments * Dimension(count)
  /// One run of steps, whose first stands at `start` of the whole; random draws see positions in the whole.
  func steps(_ step: ScanStep, from start: Tensor) -> ScanResult {
    let index = start + step.index
    if index.graph.parent != nil { index.graph.loopIndex = index.value }
    return body(ScanStep(index: index, carries: step.carries, slices: step.slices))
  }
  func main(_ initial: [Tensor]) -> (carries: [Tensor], outputs: [Tensor]) {
    let (carries, outputs) = scan(
      over: sequences.map { sequence in
        let head = rest == 0 ? sequence : sequence.slice(axis: 0, to: whole)
        return head.withShape(
          Shape([segments, Dimension(count)] + sequence.shape.dropFirst()), location: location)
      }, initial: initial, length: segments, reversed: reversed, recomputes: true, in: outer, name: name,
      location: location
    ) { segment in
      segment.index.graph.loopIndex = nil
      let start = segment.index * outer.constant(NDArray(scalar: Int32(clamping: count)))
      let (carries, outputs) = scan(
        over: segment.slices, initial: segment.carries, length: Dimension(count), reversed: reversed,
        recomputes: false, in: segment.index.graph, name: name, location: location
      ) { steps($0, from: start) }
      return ScanResult(carries: carries, outputs: outputs)
    }
    return (
      carries,
      outputs.map {
        $0.isPoisoned ? $0 : $0.withShape(Shape([whole] + $0.shape.dropFirst(2)), location: location)
      }
    )
  }
  if rest == 0 { return main(initial) }
  func tail(_ initial: [Tensor]) -> (carries: [Tensor], outputs: [Tensor]) {
    scan(
      over: sequences.map { $0.slice(axis: 0, from: whole) }, initial: initial, length: Dimension(rest),
      reversed: reversed, recomputes: false, in: outer, name: name, location: location
    ) { steps($0, from: outer.constant(NDArray(scalar: Int32(truncatingIfNeeded: whole.value ?? 0)))) }
  }
  let variables = outer.root.variables.count
  let first = reversed ? tail(initial) : main(initial)
  guard outer.root.variables.count == variables else {
    return poisoned(
      "the body makes variables, and \(length) steps are no multiple of \(count)",
      "make them before the loop, or choose a divisor of \(length)")
  }
  let second = reversed ? main(first.carries) : tail(first.carries)
  let (head, end) = reversed ? (second, first) : (first, second)
  return (second.carries, zip(head.outputs, end.outputs).map { concatenate([$0, $1], axis: 0) })
}
