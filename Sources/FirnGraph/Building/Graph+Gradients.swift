extension Graph {
  /// The gradients of the sum of `ys` with respect to each of `xs`, as TensorFlow's `tf.gradients`.
  ///
  /// They are tensors like any other: gradients of gradients work. Paths through `stop_gradient` and through `stopping`
  /// do not count. What is frozen is decided when compiling: the gradient of a frozen variable is unconnected then.
  ///
  /// In the body of a loop they are gradients of one iteration, as in TensorFlow and JAX: state and slices are given, and
  /// paths end there. So an inner step of descent is `carry - rate * gradient`, and gradients pass through it. By a tensor
  /// from outside the loop they count all that the iteration makes of it; what of this the loop does not change, and so was
  /// put outside, is computed in the body once more.
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
    let place = Graph.innermost(operands).flatMap { $0.isInside(self) && $0.isBeingBuilt ? $0 : nil } ?? self
    var seen = operands
    if place !== self, !operands.contains(where: \.isPoisoned) {
      let sources = place.outerSources(of: ys, stopping: stopping)
      let outside = xs.filter { $0.graph !== place && sources.contains($0) }
      if !outside.isEmpty {
        var copies = PathCopies(of: outside, stopping: stopping, into: place)
        seen = ys.map { copies[$0] } + seeds.compactMap { $0 } + xs.map { copies[$0] } + stopping
        if let assignment = copies.assignment {
          let error = FirnError(
            .invalidGraph,
            "gradients: a path to `\(outside[0].name)` leaves the loop through the assignment `\(assignment.name)`",
            remedy: "use the value that is assigned, or put the assignment into `stopping:`")
          return Array(
            repeating: report(error, operands: [outside[0], assignment], location: location), count: xs.count)
        }
      }
    }
    return place.append(op, seen, results: xs.count, location: location)
  }

  /// The tensors of the graphs around this loop's body to which gradients of `ys` come through another value from
  /// outside.
  ///
  /// - Complexity: one walk over each of the graphs.
  private func outerSources(of ys: [Tensor], stopping: [Tensor]) -> Set<Tensor> {
    // Before anything is numbered: what comes from outside for the first time gets a node here.
    let held = Set(stopping.compactMap { local($0)?.value })
    let starts = ys.compactMap { local($0)?.value }
    let flow = FlowGraph(nodes, holding: stopping.compactMap { $0.graph === self ? $0.value : nil })
    let reached = flow.below(starts.map { flow.index[$0] }) { $0.flow == .passes }
    var sources: Set<Tensor> = []
    // What is read as it is, and what something that is read is made of.
    var read = captures.filter { reached[flow.index[$0.inner]] && !held.contains($0.inner) }.map(\.outer)
    var made: [Tensor] = []
    var next = parent
    while let graph = next, !(read.isEmpty && made.isEmpty) {
      let flow = FlowGraph(graph.nodes)
      let reached = flow.below((read + made).map { flow.index[$0.value] }) { $0.flow == .passes }
      var isSource = [Bool](repeating: false, count: reached.count)
      for source in made { isSource[flow.index[source.value]] = true }
      for edge in flow.edges where edge.flow == .passes && reached[edge.to] { isSource[edge.from] = true }
      for place in isSource.indices where isSource[place] {
        sources.insert(Tensor(graph, Value(flow.node(of: place), flow.result(of: place))))
      }
      made = graph.captures.filter { isSource[flow.index[$0.inner]] }.map(\.outer)
      read = graph.captures.filter { reached[flow.index[$0.inner]] }.map(\.outer)
      next = graph.parent
    }
    return sources
  }
}
