import FirnGraph

extension Compiler {
  /// `prune-gradients`: asks for each loss's gradient by exactly the variables it trains that a gradient reaches.
  ///
  /// Marks with the cut (rule 3): edges of `stop_gradient` are never walked, frozen variables are no targets, so
  /// `expand-gradients` will build nothing for either. What was left out, and why, goes on record.
  ///
  ///     variable w : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [2]} : f32[2]
  ///     %loss = reduce_sum(%w) {axes = [0], keeps_axes = false} : f32[]
  ///     return %loss
  ///
  /// becomes
  ///
  ///     variable w : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [2]} : f32[2]
  ///     %loss = reduce_sum(%w) {axes = [0], keeps_axes = false} : f32[]
  ///     %gradients = gradients(%loss, %w) {seeded = [false], targets = 1, stops = 0, unconnected = "error"} : f32[2] @backward
  ///     return %loss
  package static let pruneGradients = Pass("prune-gradients", isRequired: true) {
    graph, context throws(FirnError) in
    guard let training = context.training(in: graph, for: "prune-gradients") else { return graph }
    for (goal, objective) in zip(training.goals, context.objectives) {
      let name = objective.goal.loss.map { context.request.graph.name(of: $0) }
      let record = PruningRecord(graph, of: goal.loss, named: name, trainability: objective.targets)
      context.prunings.append(record)
      guard record.live.isEmpty else { continue }
      throw try context.verdicts(of: [objective], [record.flow]).nothingToTrain(
        context.request, loss: goal.loss.map { graph.name(of: $0) } ?? objective.name)
    }
    let records = context.prunings
    var requests: [Value?] = []
    let result = try graph.extended(phase: .backward) { builder in
      for (goal, record) in zip(training.goals, records) {
        requests.append(
          goal.loss.flatMap { loss in
            builder.gradients(
              of: [Tensor(builder, loss)], withRespectTo: record.targets.map { Tensor(builder, $0) }
            ).first?.value
          })
      }
    }
    context.gradientRequests = requests.map { $0.map { result.nodes[$0.node].name } }
    return result
  }
}
