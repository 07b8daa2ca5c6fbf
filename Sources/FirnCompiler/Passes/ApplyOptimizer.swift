import FirnGraph
import FirnOps

extension Compiler {
  /// `apply-optimizer`: one update for each trained variable or trained block of one, and the variables that are its
  /// memory.
  ///
  /// A variable is assigned once, or those of its rows that are trained are; other blocks that are frozen are copied.
  /// Frozen variables have no node here: no slot, no decay, no share in the clipping norm (rule 5). By gradient descent
  /// at rate 0.5:
  ///
  ///     variable w : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [2]} : f32[2]
  ///     %loss = reduce_sum(%w) {axes = [0], keeps_axes = false} : f32[]
  ///     %gradients = gradients(%loss, %w) {seeded = [false], targets = 1, stops = 0, unconnected = "error"} : f32[2] @backward
  ///     return %loss
  ///
  /// becomes
  ///
  ///     variable w : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [2]} : f32[2]
  ///     %loss = reduce_sum(%w) {axes = [0], keeps_axes = false} : f32[]
  ///     %gradients = gradients(%loss, %w) {seeded = [false], targets = 1, stops = 0, unconnected = "error"} : f32[2] @backward
  ///     %update/w/constant = constant() {value = f32[](0.5)} : f32[] @update
  ///     %update/w/broadcast = broadcast(%update/w/constant) {shape = [2]} : f32[2] @update
  ///     %update/w/mul = mul(%update/w/broadcast, %gradients) : f32[2] @update
  ///     %update/w/sub = sub(%w, %update/w/mul) : f32[2] @update
  ///     %update/w/assign = assign(%update/w/sub) {variable = "w"} : f32[2] @update
  ///     return %loss
  package static let applyOptimizer = Pass("apply-optimizer", isRequired: true) {
    graph, context throws(FirnError) in
    guard let training = context.training(in: graph, for: "apply-optimizer") else { return graph }
    let gradients = context.trainedGradients(training, in: graph)
    // Where what stays of a variable that is trained in part comes from.
    let reads = gradients.contains { $0.part.block != nil } ? graph.firstReads : [:]
    var masks: [String: Value] = [:]
    for (original, held) in zip(context.request.training?.holding ?? [], training.holding) {
      guard case .reads(let name) = context.request.graph.nodes[original.read.node].op.effect else {
        continue
      }
      masks[name] = held.mask
    }
    var slots: [CompiledSlot] = []
    var rows: [RowUpdate] = []
    var copies = UpdateCopies()
    // Value and gradient of what has an update of a kind.
    var followed: [Value] = []
    var shadows = ShadowUpdates(of: graph)
    var outputs = Array(graph.outputs.prefix(context.request.fetches.count + training.losses.count))
    let result = try graph.extended(phase: .update) { builder in
      let weight = training.exchange?.weight(in: builder)
      var objectives: [ObjectiveUpdate] = []
      for (number, goal) in training.goals.enumerated() {
        var made = ObjectiveUpdate(
          context.objectives[number], goal, context.sharedScope(number), training.averaging,
          of: context.averaged, exchangedBy: weight)
        guard made.decide(&slots, in: builder) else { return }
        objectives.append(made)
      }
      for number in objectives.indices {
        let own = gradients.filter { $0.objective == number }
        var made = objectives[number]
        made.updates = own.map { part, _, value, terms in
          let terms = terms.map { term in
            let gradient = term.tensor(in: builder)
            // What another objective adds, it adds in its own runs.
            guard term.objective != number, let flag = objectives[term.objective].isActive else {
              return gradient
            }
            return select(where: flag, gradient, otherwise: gradient.filled(0))
          }
          return TrainedGradient(
            part: part, value: Tensor(builder, value),
            gradient: terms.dropFirst().reduce(terms[0]) { $0 + $1 })
        }
        made.exchange(in: builder)
        made.hold(masks, in: builder)
        guard made.accumulate(&slots, in: builder) else { return }
        made.clip(in: builder)
        guard made.updateShared(&slots, in: builder) else { return }
        objectives[number] = made
      }
      var kinds = UpdateKinds()
      var keys = context.copiesUpdates ? keys(of: gradients, objectives, in: builder) : []
      for place in keys.indices {
        if shadows.isFollowed(gradients[place].part.variable.name) { keys[place] = nil }
        if let key = keys[place] { kinds.count(key) }
      }
      var first = gradients.startIndex
      var places = Array(repeating: 0, count: objectives.count)
      // The last node of the last update that is written.
      var last = ""
      while first < gradients.endIndex {
        let variable = gradients[first].part.variable
        let end = gradients[first...].firstIndex { $0.part.variable != variable } ?? gradients.endIndex
        let own = gradients[first..<end].map { gradient in
          defer { places[gradient.objective] += 1 }
          return (objective: objectives[gradient.objective], number: places[gradient.objective])
        }
        let results = gradients[first..<end].map { $0.terms.map(\.result) }
        let key = keys.isEmpty ? nil : keys[first]
        let role = key.map { kinds.next($0, after: copies.kinds.count) } ?? .written
        let parts = gradients[first..<end].map(\.part)
        first = end
        var model: Int?
        switch role {
        case .written: break
        case .model(let kind): model = kind
        case .copy(let kind):
          let (objective, number) = own[0]
          guard let isAlike = objective.declareCopy(number, of: copies.kinds[kind], &slots, in: builder)
          else { return }
          if isAlike {
            copies.members.append(.init(variable.name, kind: kind, behind: last, gradients: results[0]))
            followed += objective.operands(of: number)
            continue
          }
        }
        let start = builder.nodes.count
        let made = builder.section("update/" + variable.name, phase: .update) {
          append(own, &slots, of: variable, readAt: reads[variable.name], model, to: builder)
        }
        last = made.assignments.last?.name ?? last
        shadows.record(made.values, of: variable, due: own.map(\.objective.isDue))
        if let model {
          let rows = rowUpdates(own.map(\.objective), parts, made.assignments, [[0]]).first
          copies.kinds.append(
            .init(model: variable.name, memory: own[0].objective.memory(of: own[0].number), rows: rows))
          copies.members.append(.init(variable.name, kind: model, gradients: results[0]))
          followed += own[0].objective.operands(of: own[0].number)
          continue
        }
        if let key, !builder.canCopyNodes(from: start) { kinds.rule(out: key) }
        // A shadow reads every row.
        if !shadows.isFollowed(variable.name) {
          rows += rowUpdates(own.map(\.objective), parts, made.assignments, results)
        }
      }
      shadows.append(to: builder)
      if let weight { outputs = exchanged(outputs, of: graph, by: weight, in: builder) }
    }
    context.slots = slots
    // Other members look up other rows: all of the table may move.
    context.rowUpdates = training.exchange == nil ? rows : []
    context.copies = copies
    context.isFollowing = false
    var kept = result
    kept.outputs = outputs + followed
    return kept
  }

  /// Outputs, of which losses and other numbers of floating point that depend on data are means over all members.
  private static func exchanged(
    _ outputs: [Value], of graph: GraphDef, by weight: Tensor, in builder: Graph
  ) -> [Value] {
    let dependence = DependenceAnalysis(graph)
    return outputs.map { output in
      let type = graph.type(of: output)
      guard type.shape.rank == 0, type.dtype.isFloatingPoint, !graph.nodes[output.node].isAbsentGradient,
        !dependence[output].isDisjoint(with: [.data, .random])
      else { return output }
      return Tensor(builder, output).exchangedMean(weight: weight).value
    }
  }

  /// For each part what its update depends on, where that may be a copy: of whole variables of which no element is held.
  private static func keys(
    of gradients: [PartGradient], _ objectives: [ObjectiveUpdate], in graph: Graph
  ) -> [UpdateKinds.Key?] {
    var places = Array(repeating: 0, count: objectives.count)
    return gradients.map { gradient in
      defer { places[gradient.objective] += 1 }
      guard graph.nodes[gradient.value.node].traits.contains(.reads) else { return nil }
      return objectives[gradient.objective].key(places[gradient.objective], gradient.objective)
    }
  }

  /// An assignment of a variable or a slot: of one part alone, or of the whole that several have a share in.
  private struct Assignment {
    var name: String
    var type: TensorType
    var part: TrainedPart?
  }

  /// The updates of all trained parts of one variable, its assignments (one of the whole, or one for each part that is
  /// rows of it), and what the parts are after the step.
  private static func append(
    _ own: [(objective: ObjectiveUpdate, number: Int)], _ record: inout [CompiledSlot], of variable: Variable,
    readAt read: Value?, _ model: Int?, to graph: Graph
  ) -> (assignments: [Assignment], values: [(part: TrainedPart, value: Tensor)]) {
    var values: [(part: TrainedPart, value: Tensor)] = []
    var slots: [(part: TrainedPart, slot: Variable, value: Tensor)] = []
    for (objective, number) in own {
      guard let result = objective.append(number, model, &record, to: graph) else { return ([], []) }
      let part = objective.updates[number].part
      values.append((part, result.value))
      slots += result.slots.map { (part, $0, $1) }
    }
    var made: [Assignment] = []
    func assign(_ value: Tensor, by op: any Op, _ part: TrainedPart?) {
      let result = graph.append(op, [value])[0]
      if !result.isPoisoned { made.append(Assignment(name: result.name, type: value.type, part: part)) }
    }
    if let axis = values[0].part.block?.axis, axis > 0 {
      guard let read else { firnBug("apply-optimizer", "`\(variable.name)` is trained but never read") }
      let value = joined(values, axis: axis, of: variable, and: Tensor(graph, read))
      assign(value, by: AssignVariable(variable.name), nil)
    } else {
      for (part, value) in values {
        let rows = part.block.map { AssignRows(variable.name, $0.range) }
        assign(value, by: rows ?? AssignVariable(variable.name), part)
      }
    }
    for (part, slot, value) in slots { assign(value, by: AssignVariable(slot.name), part) }
    return (made, values)
  }

  /// Which of the assignments of one variable and its slots may be of touched rows alone: those with as many rows as
  /// the parts have, where the optimiser leaves the others of all parts alone.
  private static func rowUpdates(
    _ objectives: [ObjectiveUpdate], _ parts: [TrainedPart], _ made: [Assignment], _ results: [[Int?]]
  ) -> [RowUpdate] {
    guard zip(objectives, parts).allSatisfy({ $0.leavesUntouchedRows(of: $1) }), let first = parts.first,
      first.type.shape.rank > 0
    else { return [] }
    // What is given is of no rows that anyone looked up.
    let found = results.map { $0.compactMap(\.self) }
    guard found.map(\.count) == results.map(\.count) else { return [] }
    func names(_ parts: [TrainedPart]) -> [String] {
      made.filter { assignment in
        assignment.type.shape.first == parts[0].type.shape[0]
          && (assignment.part.map(parts.contains) ?? true)
      }.map(\.name)
    }
    if let axis = first.block?.axis, axis > 0 {
      return [RowUpdate(gradients: found.flatMap { $0 }, assignments: names(parts))]
    }
    return zip(parts, found).map { part, results in
      RowUpdate(rows: part.block?.range, gradients: results, assignments: names([part]))
    }
  }

  /// The updated blocks, and between them what the variable held before, bit by bit.
  static func joined(
    _ updated: [(part: TrainedPart, value: Tensor)], axis: Int, of variable: Variable, and old: Tensor
  ) -> Tensor {
    var pieces: [Tensor] = []
    var start = 0
    func keep(to end: Int) {
      if start < end { pieces.append(old.sliced(axis: axis, from: Dim(start), to: Dim(end))) }
    }
    for (part, value) in updated {
      guard let range = part.block?.range else { continue }
      keep(to: range.lowerBound)
      pieces.append(value)
      start = range.upperBound
    }
    keep(to: variable.type.shape[axis].value ?? start)
    return concatenate(pieces, axis: axis)
  }
}

extension Graph {
  /// Whether copies of the nodes from `start` on do the same: what draws does so by a key of its own.
  fileprivate func canCopyNodes(from start: Int) -> Bool {
    nodes[start...].allSatisfy { node in
      !node.traits.contains(.draws) && !node.inputs.contains { nodes[$0.node].traits.contains(.draws) }
    }
  }
}

extension GraphDef {
  /// For each variable the first node that reads it.
  fileprivate var firstReads: [String: Value] {
    Dictionary(variableReads.map { ($0.variable, $0.value) }, uniquingKeysWith: { first, _ in first })
  }
}

/// A trained part, the objective that moves it, the value it has and the gradients by it.
private typealias PartGradient = (part: TrainedPart, objective: Int, value: Value, terms: [GradientTerm])

/// A gradient that moves a trained part, as `apply-optimizer` finds it.
private struct GradientTerm {
  /// The objective that it is of.
  var objective: Int
  /// Its place among the results of all requests; nil where it was given.
  var result: Int?
  var value: Value
  /// What of the value it is; nil for the whole.
  var block: Block?

  func tensor(in graph: Graph) -> Tensor {
    let whole = Tensor(graph, value)
    guard let block else { return whole }
    return whole.sliced(
      axis: block.axis, from: Dim(block.range.lowerBound), to: Dim(block.range.upperBound))
  }
}

extension CompilationContext {
  /// For each trained part, in order, the objective that moves it, the value it has and the gradients by it, one for
  /// each read: results of the requests that `prune-gradients` wrote, those of the objective before those that others
  /// add.
  fileprivate func trainedGradients(
    _ training: CompilationRequest.Training, in graph: GraphDef
  ) -> [PartGradient] {
    guard prunings.count == objectives.count, gradientRequests.count == objectives.count else {
      firnBug("apply-optimizer", "the request for the loss's gradients is not there")
    }
    var found: [TrainedPart: [(value: Value, term: GradientTerm)]] = [:]
    for (number, record) in prunings.enumerated() {
      guard let name = gradientRequests[number] else {
        let gradients = Dictionary(
          zip(objectives[number].goal.given, training.goals[number].given).map {
            (request.graph.nodes[$0.read.node].op.effect, $1.gradient)
          }, uniquingKeysWith: { first, _ in first })
        // A variable that is read twice is given one gradient.
        var seen: Set<TrainedPart> = []
        for (part, value) in zip(record.targetParts, record.targets) where seen.insert(part).inserted {
          guard let gradient = gradients[.reads(part.variable.name)] else { continue }
          found[part, default: []].append(
            (value, GradientTerm(objective: number, result: nil, value: gradient, block: part.block)))
        }
        continue
      }
      guard let position = graph.index(ofNodeNamed: name),
        let request = graph.nodes[position].gradientRequest,
        request.targets == record.targetParts.count
      else { firnBug("apply-optimizer", "the request for the loss's gradients is not there") }
      let first = firstGradient(of: number)
      for (place, part) in record.targetParts.enumerated() {
        let value = graph.nodes[position].inputs[request.targetRange.lowerBound + place]
        found[part, default: []].append(
          (value, GradientTerm(objective: number, result: first + place, value: Value(position, place))))
      }
    }
    return liveParts.map { part, objective in
      guard let own = found[part], let first = own.first else {
        firnBug("apply-optimizer", "`\(part)` has no gradient")
      }
      let terms = own.map(\.term)
      return (
        part, objective, first.value,
        terms.filter { $0.objective == objective } + terms.filter { $0.objective != objective }
      )
    }
  }

  /// Where memory of a whole objective stands: `adam`, and where there are several objectives `adam/actor`.
  fileprivate func sharedScope(_ objective: Int) -> String {
    let name = objectives[objective].goal.optimizer.name
    return objectives.count == 1 ? name : Path.joined(name, objectives[objective].name)
  }
}
