extension Graph {
  /// The gradients of the sum of `ys` with respect to each of `xs`, as TensorFlow's `tf.gradients`.
  ///
  /// They are tensors like any other: gradients of gradients work. Paths through `stop_gradient` and through `stopping`
  /// do not count. What is frozen is decided when compiling: the gradient of a frozen variable is unconnected then.
  ///
  /// In the body of a loop they are gradients of one iteration, as in TensorFlow and JAX: state and slices are given, and
  /// paths end there. So an inner step of descent is `carry - rate * gradient`, and gradients pass through it. By a tensor
  /// from outside the loop they count what the body makes of it; where a path leaves the loop on the way there, that is a
  /// fault.
  ///
  /// - Parameters:
  ///   - ys: tensors of floating point, of any shape.
  ///   - xs: variables or other tensors of floating point.
  ///   - seeds: the adjoint of each of `ys` (the gradient that arrives there; nil: ones), of its type. PyTorch calls it
  ///     `grad_outputs`, JAX a cotangent.
  ///   - stopping: tensors held constant.
  ///   - unconnected: what a gradient without path is; by default an error, when compiling, that names what cuts it.
  /// - Returns: one tensor for each of `xs`, of its type.
  /// - Complexity: nothing is computed but what the live paths need; as a rule two to three times the forward
  ///   arithmetic.
  public func gradients(
    of ys: [Tensor], withRespectTo xs: [Tensor], seeds: [Tensor?]? = nil, stopping: [Tensor] = [],
    unconnected: Unconnected = .error, file: StaticString = #fileID, line: UInt = #line
  ) -> [Tensor] {
    let location = CallSite(file, line)
    let seeds = seeds ?? Array(repeating: nil, count: ys.count)
    guard !ys.isEmpty, seeds.count == ys.count else {
      let error = FirnError(
        .invalidArgument, "gradients: \(ys.count) sources and \(seeds.count) seeds",
        remedy: "give at least one source and no seeds or as many (nil for ones)")
      return Array(repeating: report(error, location: location), count: xs.count)
    }
    let op = Gradients(
      seeded: seeds.map { $0 != nil }, targets: xs.count, stops: stopping.count, unconnected: unconnected)
    let operands = ys + seeds.compactMap { $0 } + xs + stopping
    // The request stands where what it is about does: in the body of a loop, if that is where it was made.
    let place = Graph.innermost(operands).flatMap { $0.isInside(self) ? $0 : nil } ?? self
    for x in xs where !operands.contains(where: \.isPoisoned) {
      guard let other = place.wayOut(from: ys, to: x, stopping: stopping) else { continue }
      let error = FirnError(
        .invalidGraph,
        "gradients: a path from `\(ys.count == 1 ? ys[0].name : "the sources")` to `\(x.name)` leaves the loop through `\(other.name)`",
        remedy: "make `\(Path.last(of: other.name))` in the loop's body, or put it into `stopping:`")
      return Array(repeating: report(error, operands: [x, other], location: location), count: xs.count)
    }
    return place.append(op, operands, results: xs.count, location: location)
  }

  /// Another tensor from outside this loop's body than `x` through which a gradient of `ys` would come to `x`.
  private func wayOut(from ys: [Tensor], to x: Tensor, stopping: [Tensor]) -> Tensor? {
    guard let parent, x.graph !== self, isInside(x.graph), let own = parent.local(x) else { return nil }
    let others = parent.values(madeOf: x)
    let suspects = captures.filter { $0.outer != own && others.contains($0.outer.value) }
    if suspects.isEmpty { return nil }
    let flow = FlowGraph(nodes, holding: stopping.compactMap { $0.graph === self ? $0.value : nil })
    let ends = ys.compactMap { local($0).map { flow.index[$0.value] } }
    let reached = flow.below(ends) { $0.flow == .passes }
    let held = Set(stopping.compactMap { local($0)?.value })
    return suspects.first { reached[flow.index[$0.inner]] && !held.contains($0.inner) }?.outer
  }

  /// The values of this graph that a gradient passes from to `x`, which is a value of it or of one around it.
  private func values(madeOf x: Tensor) -> Set<Value> {
    let flow = FlowGraph(nodes)
    var starts: [Value] = []
    if x.graph === self {
      starts = [x.value]
    } else if let parent {
      let outer = parent.values(madeOf: x)
      starts = captures.filter { outer.contains($0.outer.value) }.map(\.inner)
    }
    let reached = flow.above(starts.map { flow.index[$0] }) { $0.flow == .passes }
    return Set(
      nodes.indices.flatMap { node in nodes[node].types.indices.map { Value(node, $0) } }
        .filter { reached[flow.index[$0]] })
  }
}
