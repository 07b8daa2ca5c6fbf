import FirnGraph

extension Compiler {
  /// `extract-requested`: leaves what the fetches and the loss need, and drops everything else the graph holds.
  ///
  /// Assignments nobody fetched go, but for those that come with training beside what is computed. From here on every
  /// assignment in the graph is the program's.
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
    context.request.isTrainingMode
      ? graph.extractingWithTrainingAssignments() : graph.removingDeadNodes(keepingAssignments: false)
  }
}

extension GraphDef {
  /// What the outputs need, and the assignments that come with it in training; those may need more, and bring others.
  fileprivate func extractingWithTrainingAssignments() -> GraphDef {
    let assignments = nodes.compactMap { node in
      node.trainingAssignment.map { (name: node.name, beside: nodes[$0.beside.node].name) }
    }
    var kept: Set<String> = []
    while true {
      let result = removingDeadNodes(keepingAssignments: false, and: kept)
      let alive = Set(result.nodes.map(\.name))
      let brought = kept.union(assignments.filter { alive.contains($0.beside) }.map(\.name))
      if brought == kept { return result }
      kept = brought
    }
  }
}
