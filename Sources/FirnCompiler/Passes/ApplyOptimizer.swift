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
    guard let training = context.request.training else { return graph }
    let gradients = context.trainedGradients(in: graph)
    // Where what stays of a variable that is trained in part comes from.
    let reads = gradients.contains { $0.part.block != nil } ? graph.firstReads : [:]
    var slots: [CompiledSlot] = []
    var rows: [RowUpdate] = []
    let result = try graph.extended(phase: .update) { builder in
      var updates = gradients.map { part, value, gradients in
        let terms = gradients.map { Tensor(builder, $0) }
        return TrainedGradient(
          part: part, value: Tensor(builder, value), gradient: terms.dropFirst().reduce(terms[0]) { $0 + $1 })
      }
      if let limit = training.clippingNorm {
        let clipped = builder.section("update/clip", phase: .update) {
          clipping(updates.map(\.gradient), toGlobalNorm: limit)
        }
        updates = zip(updates, clipped).map {
          TrainedGradient(part: $0.part, value: $0.value, gradient: $1)
        }
      }
      let optimizer = training.optimizer
      guard
        let shared = builder.section(
          "update/" + optimizer.name, phase: .update, { Self.shared(by: optimizer, &slots, in: builder) })
      else { return }
      var first = updates.startIndex
      while first < updates.endIndex {
        let variable = updates[first].part.variable
        let end = updates[first...].firstIndex { $0.part.variable != variable } ?? updates.endIndex
        let made = builder.section("update/" + variable.name, phase: .update) {
          append(
            optimizer, updates, first..<end, shared, &slots, of: variable, readAt: reads[variable.name],
            to: builder)
        }
        let results = gradients[first..<end].map { $0.gradients.map(\.result) }
        rows += rowUpdates(optimizer, updates[first..<end].map(\.part), made, results)
        first = end
      }
    }
    context.slots = slots
    context.rowUpdates = rows
    return result
  }

  /// An assignment of a variable or a slot: of one part alone, or of the whole that several have a share in.
  private struct Assignment {
    var name: String
    var type: TensorType
    var part: TrainedPart?
  }

  /// The updates of all trained parts of one variable, and its assignments: one of the whole, or one for each part that
  /// is rows of it.
  private static func append(
    _ optimizer: any Optimizer, _ all: [TrainedGradient], _ own: Range<Int>, _ shared: [Tensor],
    _ record: inout [CompiledSlot], of variable: Variable, readAt read: Value?, to graph: Graph
  ) -> [Assignment] {
    var values: [(part: TrainedPart, value: Tensor)] = []
    var slots: [(part: TrainedPart, slot: Variable, value: Tensor)] = []
    for update in all[own] {
      guard let result = append(optimizer, update, all, shared, &record, to: graph) else { return [] }
      values.append((update.part, result.value))
      slots += result.slots.map { (update.part, $0, $1) }
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
    return made
  }

  /// Which of the assignments of one variable and its slots may be of touched rows alone: those with as many rows as the
  /// parts have, where the optimiser leaves the others of all parts alone.
  private static func rowUpdates(
    _ optimizer: any Optimizer, _ parts: [TrainedPart], _ made: [Assignment], _ results: [[Int]]
  ) -> [RowUpdate] {
    guard parts.allSatisfy(optimizer.leavesUntouchedRows), let first = parts.first,
      first.type.shape.rank > 0
    else { return [] }
    func names(_ parts: [TrainedPart]) -> [String] {
      made.filter { assignment in
        assignment.type.shape.first == parts[0].type.shape[0]
          && (assignment.part.map(parts.contains) ?? true)
      }.map(\.name)
    }
    if let axis = first.block?.axis, axis > 0 {
      return [RowUpdate(gradients: results.flatMap { $0 }, assignments: names(parts))]
    }
    return zip(parts, results).map { part, results in
      RowUpdate(rows: part.block?.range, gradients: results, assignments: names([part]))
    }
  }

  /// The updated blocks, and between them what the variable held before, bit by bit.
  private static func joined(
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

  /// What one part and its slots become; nil, with the fault on record, where the optimiser breaks its promise.
  private static func append(
    _ optimizer: any Optimizer, _ update: TrainedGradient, _ all: [TrainedGradient], _ shared: [Tensor],
    _ record: inout [CompiledSlot], to graph: Graph
  ) -> (value: Tensor, slots: [(Variable, Tensor)])? {
    let part = update.part
    let place = part.variable.name
    guard
      let declared = declare(
        optimizer.slots(for: part), in: part.slotScope(optimizer.name), of: optimizer, at: place, in: graph)
    else { return nil }
    let (declarations, slots) = (declared.map(\.0), declared.map(\.1))
    record += declarations.map { CompiledSlot($0, of: SlotOwner(optimizer: optimizer.name, part: part)) }
    let updated = optimizer.update(
      ParameterUpdate(
        part: part, value: update.value, gradient: update.gradient, slots: slots, sharedSlots: shared,
        all: all))
    guard updated.slots.count == declarations.count else {
      graph.report(
        FirnError(
          .invalidArgument,
          "optimizer `\(optimizer.name)` lists \(declarations.count) slots and updates \(updated.slots.count)",
          remedy: "return one new value for each slot", place: place))
      return nil
    }
    let targets = [(part.description, part.type)] + declarations.map { ($0.name, $0.type) }
    let isSound = check([updated.value] + updated.slots, targets, optimizer, at: place, in: graph)
    return isSound ? (updated.value, Array(zip(declarations, updated.slots))) : nil
  }

  /// Declares and updates what the optimiser keeps once; nil, with the fault on record, where it breaks its promise.
  private static func shared(
    by optimizer: any Optimizer, _ record: inout [CompiledSlot], in graph: Graph
  ) -> [Tensor]? {
    let name = optimizer.name
    guard let declared = declare(optimizer.sharedSlots, in: name, of: optimizer, at: name, in: graph) else {
      return nil
    }
    if declared.isEmpty { return [] }
    record += declared.map { CompiledSlot($0.0, of: SlotOwner(optimizer: name, part: nil)) }
    let updated = optimizer.updateShared(declared.map(\.1))
    guard updated.count == declared.count else {
      graph.report(
        FirnError(
          .invalidArgument,
          "optimizer `\(name)` lists \(declared.count) shared slots and updates \(updated.count)",
          remedy: "return one new value for each slot", place: name))
      return nil
    }
    let targets = declared.map { ($0.0.name, $0.0.type) }
    guard check(updated, targets, optimizer, at: name, in: graph) else { return nil }
    for ((variable, _), value) in zip(declared, updated) {
      _ = graph.append(AssignVariable(variable.name), [value])
    }
    return declared.map(\.1)
  }

  /// The variables of slots, and their reads.
  private static func declare(
    _ slots: [OptimizerSlot], in scope: String, of optimizer: any Optimizer, at place: String, in graph: Graph
  ) -> [(Variable, Tensor)]? {
    var result: [(Variable, Tensor)] = []
    for slot in slots {
      let name = Path.joined(scope, slot.name)
      if let fault = fault(of: slot, named: name, in: graph) {
        graph.report(
          FirnError(
            .invalidArgument, "optimizer `\(optimizer.name)`: slot `\(slot.name)` \(fault.message)",
            remedy: fault.remedy, place: place))
        return nil
      }
      let declaration = Variable(
        name: name, type: slot.type, kind: .slot, role: slot.name, initializer: slot.initializer,
        isTrainable: false)
      graph.declare(declaration)
      result.append((declaration, graph.append(ReadVariable(declaration), [], name: slot.name)[0]))
    }
    return result
  }

  /// Whether new values are of the types of what they are for.
  private static func check(
    _ values: [Tensor], _ targets: [(String, TensorType)], _ optimizer: any Optimizer, at place: String,
    in graph: Graph
  ) -> Bool {
    var isSound = true
    for (target, value) in zip(targets, values) {
      if value.isPoisoned, graph.diagnostics.isEmpty {
        graph.report(
          FirnError(
            .invalidArgument, "optimizer `\(optimizer.name)` makes a faulty expression of `\(target.0)`",
            remedy: "make the update from the tensors it is given", place: place))
      }
      if value.isPoisoned || value.type == target.1 { continue }
      isSound = false
      graph.report(
        FirnError(
          .shapeMismatch,
          "optimizer `\(optimizer.name)` makes \(value.type) of `\(target.0)`, which is \(target.1)",
          remedy: "keep types in the update", place: place))
    }
    return isSound
  }

  private static func fault(
    of slot: OptimizerSlot, named name: String, in graph: Graph
  ) -> (message: String, remedy: String)? {
    if !Path.isValid(name) {
      return (
        "would be the variable `\(name)`", "name optimisers and slots by letters, digits, `_`, `-` and `.`"
      )
    }
    if graph.variable(named: name) != nil {
      return ("would be a second variable `\(name)`", "give optimisers, slots and variables distinct names")
    }
    if slot.type.shape.extents == nil || slot.type.fault != nil {
      return ("is \(slot.type)", "give a slot extents that are numbers")
    }
    return nil
  }

  /// Gradients scaled so that their global norm is at most `limit`: g · min(limit / max(‖g‖, 1e-12), 1); Pascanu et al.,
  /// ICML 2013, algorithm 1.
  ///
  /// Each variable's squares are added up in its own type; what is made of the sums is `f64`.
  private static func clipping(_ gradients: [Tensor], toGlobalNorm limit: Double) -> [Tensor] {
    let squares = gradients.map { square($0).sum().cast(to: .f64) }
    guard let first = squares.first else { return gradients }
    let norm = sqrt(squares.dropFirst().reduce(first) { $0 + $1 })
    let scale = minimum(limit / maximum(norm, 1e-12), 1)
    return gradients.map { $0 * scale.cast(to: $0.dtype) }
  }
}

extension GraphDef {
  /// For each variable the first node that reads it.
  fileprivate var firstReads: [String: Value] {
    Dictionary(variableReads.map { ($0.variable, $0.value) }, uniquingKeysWith: { first, _ in first })
  }
}

extension CompilationContext {
  /// For each trained part, in order, the value it has and the gradients by it, one for each read: results of the
  /// request that `prune-gradients` wrote.
  fileprivate func trainedGradients(
    in graph: GraphDef
  ) -> [(part: TrainedPart, value: Value, gradients: [Value])] {
    guard let pruning, let gradientRequest, let position = graph.index(ofNodeNamed: gradientRequest),
      let request = graph.nodes[position].gradientRequest, request.targets == pruning.targetParts.count
    else { firnBug("apply-optimizer", "the request for the loss's gradients is not there") }
    let byPart = Dictionary(grouping: pruning.targetParts.indices) { pruning.targetParts[$0] }
    return pruning.liveParts.map { part in
      guard let results = byPart[part], let first = results.first else {
        firnBug("apply-optimizer", "`\(part)` has no gradient")
      }
      let value = graph.nodes[position].inputs[request.targetRange.lowerBound + first]
      return (part, value, results.map { Value(position, $0) })
    }
  }
}
