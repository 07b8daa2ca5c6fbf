import FirnGraph

extension Compiler {
  /// `extract-requested`: leaves what the fetches and the loss need, and drops everything else the graph holds.
  ///
  /// Assignments nobody fetched go, but for those that come with training beside what is computed: what only the other
  /// mode of a `by_mode` reads is not. From here on every assignment in the graph is the program's.
  ///
  ///     variable n : f32[] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
  ///     %n = read() {variable = "n", dtype = f32, shape = []} : f32[]
  ///     %x = placeholder() {dtype = f32, shape = []} : f32[]
  ///     %sum = add(%n, %x) : f32[]
  ///     %count = assign(%sum) {variable = "n"} : f32[]
  ///     %y = tanh(%x) : f32[]
  ///     return %y
  ///
  /// becomes
  ///
  ///     variable n : f32[] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
  ///     %x = placeholder() {dtype = f32, shape = []} : f32[]
  ///     %y = tanh(%x) : f32[]
  ///     return %y
  package static let extractRequested = Pass("extract-requested", isRequired: true) {
    graph, context throws(FirnError) in
    guard context.request.isTrainingMode else { return graph.removingDeadNodes(keepingAssignments: false) }
    let modes = try Modes(graph, context.request, context.trainability)
    return graph.extractingWithTrainingAssignments(modes)
  }
}

extension GraphDef {
  /// What the outputs need, and the assignments that come with it in training; those may need more, and bring others.
  fileprivate func extractingWithTrainingAssignments(_ modes: Modes) -> GraphDef {
    let assignments = nodes.compactMap { node in
      node.trainingAssignment.map { (name: node.name, beside: nodes[$0.beside.node].name) }
    }
    let chosen = choosing(modes)
    var kept: Set<String> = []
    while true {
      let computed = chosen.removingDeadNodes(keepingAssignments: false, and: kept)
      let alive = Set(computed.nodes.map(\.name))
      let brought = kept.union(assignments.filter { alive.contains($0.beside) }.map(\.name))
      if brought == kept { return removingDeadNodes(keepingAssignments: false, and: kept) }
      kept = brought
    }
  }
}
