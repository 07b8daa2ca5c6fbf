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
      let outside = xs.filter { place.hasWayOut(from: ys, to: $0, stopping: stopping) }
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

  /// Whether a gradient of `ys` comes to `x` through another value from outside this loop's body too.
  private func hasWayOut(from ys: [Tensor], to x: Tensor, stopping: [Tensor]) -> Bool {
    guard let parent, x.graph !== self, isInside(x.graph), let own = parent.local(x) else { return false }
    let others = parent.values(madeOf: [x])
    let suspects = captures.filter { $0.outer != own && others.contains($0.outer.value) }
    if suspects.isEmpty { return false }
    let flow = FlowGraph(nodes, holding: stopping.compactMap { $0.graph === self ? $0.value : nil })
    let ends = ys.compactMap { local($0).map { flow.index[$0.value] } }
    let reached = flow.below(ends) { $0.flow == .passes }
    let held = Set(stopping.compactMap { local($0)?.value })
    return suspects.contains { reached[flow.index[$0.inner]] && !held.contains($0.inner) }
  }

  /// The values of this graph that a gradient passes from to one of `xs`, which are values of it or of one around it.
  fileprivate func values(madeOf xs: [Tensor]) -> Set<Value> {
    let flow = FlowGraph(nodes)
    var starts = xs.filter { $0.graph === self }.map(\.value)
    let further = xs.filter { $0.graph !== self }
    if !further.isEmpty, let parent {
      let outer = parent.values(madeOf: further)
      starts += captures.filter { outer.contains($0.outer.value) }.map(\.inner)
    }
    let reached = flow.above(starts.map { flow.index[$0] }) { $0.flow == .passes }
    return Set(
      nodes.indices.flatMap { node in nodes[node].types.indices.map { Value(node, $0) } }
        .filter { reached[flow.index[$0]] })
  }
}

/// What a loop's body reads of the graphs around it, made once more in the body, so far as gradients pass there to
/// values from outside.
///
/// A gradient of one iteration passes to what is outside only through what the body holds; a value that reads nothing of
/// the loop was put outside. Its copy has the same bits, random draws by their keys too.
private struct PathCopies {
  private let targets: [Tensor]
  private let stopping: Set<Tensor>
  private let body: Graph
  private var copies: [Tensor: Tensor] = [:]
  private var made: [ObjectIdentifier: Set<Value>] = [:]
  /// An assignment met on the way, which must not be made twice.
  private(set) var assignment: Tensor?

  init(of targets: [Tensor], stopping: [Tensor], into body: Graph) {
    self.targets = targets
    self.stopping = Set(stopping)
    self.body = body
  }

  /// The copy of a tensor; itself where no gradient passes from it to what is copied for.
  subscript(tensor: Tensor) -> Tensor {
    mutating get {
      if let known = copies[tensor] { return known }
      let result = stopping.contains(tensor) ? tensor : copied(tensor)
      copies[tensor] = result
      return result
    }
  }

  private mutating func copied(_ tensor: Tensor) -> Tensor {
    let graph = tensor.graph
    if let known = graph.captures.first(where: { $0.inner == tensor.value }) { return self[known.outer] }
    guard isMadeOfATarget(tensor) else { return tensor }
    let node = graph.nodes[tensor.value.node]
    if case .writes = node.op.effect {
      assignment = tensor
      return tensor
    }
    let operands = node.inputs.map { self[Tensor(graph, $0)] }
    guard graph !== body || operands != node.inputs.map({ Tensor(graph, $0) }) else {
      return tensor
    }
    let inputs = operands.map { operand in
      guard let local = body.local(operand) else { firnBug("gradients", "`\(operand.name)` is outside") }
      return local.value
    }
    let results = body.emit(node.op, inputs, name: node.name, like: node)
    for (result, value) in results.enumerated() {
      copies[Tensor(graph, Value(tensor.value.node, result))] = Tensor(body, value)
    }
    return Tensor(body, results[tensor.value.result])
  }

  /// Whether a gradient passes from it to a target other than itself.
  private mutating func isMadeOfATarget(_ tensor: Tensor) -> Bool {
    if !targets.contains(tensor) { return values(of: tensor.graph, targets).contains(tensor.value) }
    return tensor.graph.values(madeOf: targets.filter { $0 != tensor }).contains(tensor.value)
  }

  private mutating func values(of graph: Graph, _ targets: [Tensor]) -> Set<Value> {
    let key = ObjectIdentifier(graph)
    if let known = made[key] { return known }
    let result = graph.values(madeOf: targets)
    made[key] = result
    return result
  }
}
