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
    let modes = try context.modes(of: graph)
    return graph.extractingWithTrainingAssignments(modes)
  }
}

extension GraphDef {
  /// What the outputs need, and the assignments that come with it in training; those may need more, and bring others.
  fileprivate func extractingWithTrainingAssignments(_ modes: Modes) -> GraphDef {
    var assignments: [(position: Int, beside: Int)] = []
    for position in nodes.indices where nodes[position].traits.contains(.writes) {
      guard let assignment = nodes[position].trainingAssignment else { continue }
      assignments.append((position, assignment.beside.node))
    }
    if assignments.isEmpty { return removingDeadNodes(keepingAssignments: false) }
    // Its nodes stand where they stand here.
    let chosen = choosing(modes)
    var kept: [Int] = []
    while true {
      let isLive = chosen.liveNodes(keepingAssignments: false, and: kept).isLive
      let brought = assignments.filter { isLive[$0.position] || isLive[$0.beside] }.map(\.position)
      if brought == kept { return removingDeadNodes(keepingAssignments: false, and: kept) }
      kept = brought
    }
  }
}
