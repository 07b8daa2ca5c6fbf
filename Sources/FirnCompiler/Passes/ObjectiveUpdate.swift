import FirnGraph
import FirnOps

/// The nodes that one objective adds to a program: what its gradients become before the optimiser sees them, and the
/// updates.
struct ObjectiveUpdate {
  private let goal: CompilationRequest.Goal
  private let groups: GroupSettings
  /// Where memory of the whole objective stands.
  private let scope: String
  /// What it moves, in order.
  var updates: [TrainedGradient] = []
  /// Whether it takes part in a run; nil where it does in each.
  private(set) var isActive: Tensor?
  /// Whether a run makes a step; nil where each does.
  private(set) var isDue: Tensor?
  /// For each update, where elements stay as they are.
  private var masks: [Tensor?] = []
  private var sharedSlots: [Tensor] = []
  private let averaging: Averaging?
  private let averaged: Set<TrainedPart>
  /// What a run of this member weighs among those of all; nil where there are no others.
  private let exchangeWeight: Tensor?

  private var optimizer: any Optimizer { goal.optimizer }

  /// - Parameters:
  ///   - goal: with its tensors in the graph that is extended.
  ///   - averaged: the parts, of this objective and others, of which averages are kept.
  init(
    _ objective: ObjectiveScope, _ goal: CompilationRequest.Goal, _ scope: String, _ averaging: Averaging?,
    of averaged: Set<TrainedPart>, exchangedBy exchangeWeight: Tensor?
  ) {
    self.exchangeWeight = exchangeWeight
    self.goal = goal
    self.scope = scope
    self.averaging = averaging
    self.averaged = averaged
    groups = objective.groups
  }

  /// Whether the optimiser, and what is made of gradients before it, leave rows without gradient alone.
  func leavesUntouchedRows(of part: TrainedPart) -> Bool {
    goal.window == nil && !averaged.contains(part) && optimizer.leavesUntouchedRows(of: part)
  }

  // MARK: Gradients

  /// Declares what counts runs; false, with the fault on record, where that cannot be.
  mutating func decide(_ record: inout [CompiledSlot], in graph: Graph) -> Bool {
    switch goal.condition {
    case nil: return true
    case .flag(let flag):
      isActive = agreed(Tensor(graph, flag))
      isDue = isActive
      return true
    case .every(let runs):
      return graph.section("update/" + scope, phase: .update) {
        guard let slot = counter("skipped_runs", &record, in: graph) else { return false }
        let count = slot.read + 1
        let isDue = greaterEqual(count, Double(runs))
        assign(select(where: isDue, count.filled(0), otherwise: count), to: slot.variable, in: graph)
        (isActive, self.isDue) = (isDue, isDue)
        return true
      }
    }
  }

  /// Takes the gradient of held elements away, so that they have no part in a norm or a moment.
  mutating func hold(_ held: [String: Value], in graph: Graph) {
    masks = updates.map { update in
      held[update.part.variable.name].map { mask in
        let whole = Tensor(graph, mask)
        guard let block = update.part.block else { return whole }
        return whole.sliced(
          axis: block.axis, from: Dim(block.range.lowerBound), to: Dim(block.range.upperBound))
      }
    }
    for (number, mask) in masks.enumerated() {
      guard let mask else { continue }
      let gradient = updates[number].gradient
      updates[number].gradient = select(where: mask, gradient.filled(0), otherwise: gradient)
    }
  }

  /// The mean gradients of the window in the place of those of the run; false, with the fault on record, where their
  /// sums cannot be kept.
  mutating func accumulate(_ record: inout [CompiledSlot], in graph: Graph) -> Bool {
    guard let window = goal.window else { return true }
    return graph.section("update/" + scope, phase: .update) {
      guard let runs = counter("accumulated_runs", &record, in: graph),
        let total = counter("accumulated_weight", &record, in: graph)
      else { return false }
      var weight = window.weight.map { Tensor(graph, $0).cast(to: .f64) } ?? graph.constant(1, dtype: .f64)
      if exchangeWeight != nil, window.weight != nil { weight = allReduce(weight) }
      let count = runs.read + 1
      let sum = total.read + weight
      var isLast = greaterEqual(count, Double(window.runs))
      if let closing = window.closing { isLast = logicalOr(isLast, agreed(Tensor(graph, closing))) }
      if let isActive { isLast = logicalAnd(isLast, isActive) }
      /// What a sum is after the run: nothing after a step, as it was in a run that does not count.
      func kept(_ new: Tensor, _ old: Tensor) -> Tensor {
        let next = isActive.map { select(where: $0, new, otherwise: old) } ?? new
        return select(where: isLast, new.filled(0), otherwise: next)
      }
      assign(kept(count, runs.read), to: runs.variable, in: graph)
      assign(kept(sum, total.read), to: total.variable, in: graph)
      let divisor = select(where: greater(sum, 0), sum, otherwise: sum.filled(1))
      for (number, update) in updates.enumerated() {
        let (part, gradient) = (update.part, update.gradient)
        let slot = OptimizerSlot("accumulated_gradient", type: part.type)
        guard
          let declared = declare(
            [slot], in: part.slotScope(optimizer.name), at: part.variable.name, in: graph)?.first
        else { return false }
        record.append(
          CompiledSlot(
            declared.0, of: SlotOwner(optimizer: optimizer.name, part: part), window: runs.variable.name))
        var share = weight.cast(to: gradient.dtype) * gradient
        // What has no weight may be NaN, as the mean of a batch that is all padding.
        if window.weight != nil {
          share = select(where: equal(weight, 0), share.filled(0), otherwise: share)
        }
        let next = declared.1 + share
        assign(kept(next, declared.1), to: declared.0, in: graph)
        let mean = next / divisor.cast(to: gradient.dtype)
        // What is held only now may have had gradients in runs of the window before.
        updates[number].gradient =
          masks[number].map { select(where: $0, mean.filled(0), otherwise: mean) } ?? mean
      }
      isDue = isLast
      return true
    }
  }

  /// Makes of the gradients their means over all members, by the weights of their runs.
  mutating func exchange(in graph: Graph) {
    guard let exchangeWeight else { return }
    let own = goal.window?.weight.map { Tensor(graph, $0) } ?? exchangeWeight
    for (number, update) in updates.enumerated() {
      updates[number].gradient = graph.section("update/" + update.part.variable.name, phase: .update) {
        update.gradient.exchangedMean(weight: own)
      }
    }
  }

  /// A flag that all members have alike: true where it is with any.
  private func agreed(_ flag: Tensor) -> Tensor {
    if exchangeWeight == nil { return flag }
    return greater(allReduce(flag.cast(to: .i32)), 0)
  }

  /// Bounds the gradients.
  mutating func clip(in graph: Graph) {
    guard let clipping = goal.clipping else { return }
    let gradients = updates.map(\.gradient)
    let clipped = graph.section("update/clip", phase: .update) {
      switch clipping {
      case .value(let limit): gradients.map { maximum(minimum($0, limit), -limit) }
      case .norm(let limit): gradients.flatMap { Self.clipped([$0], toNorm: limit) }
      case .globalNorm(let limit): Self.clipped(gradients, toNorm: limit)
      }
    }
    for (number, gradient) in clipped.enumerated() { updates[number].gradient = gradient }
  }

  /// Gradients scaled so that their norm is at most `limit`: g · min(limit / max(‖g‖, 1e-12), 1); Pascanu et al., ICML
  /// 2013, algorithm 1.
  ///
  /// Each variable's squares are added up in its own type; what is made of the sums is `f64`.
  private static func clipped(_ gradients: [Tensor], toNorm limit: Double) -> [Tensor] {
    let squares = gradients.map { square($0).sum().cast(to: .f64) }
    guard let first = squares.first else { return gradients }
    let norm = sqrt(squares.dropFirst().reduce(first) { $0 + $1 })
    let scale = minimum(limit / maximum(norm, 1e-12), 1)
    return gradients.map { $0 * scale.cast(to: $0.dtype) }
  }

  // MARK: Copies

  /// What an update depends on besides its tensors; nil where it is of its own kind, or begins before the optimiser: what
  /// is made of the gradient first, to clip it for instance, is of one program with the rest.
  func key(_ number: Int, _ objective: Int) -> UpdateKinds.Key? {
    let part = updates[number].part
    guard optimizer.looksAtTypesOnly, part.block == nil, masks[number] == nil,
      updates[number].gradient.node?.phase != .update
    else { return nil }
    return UpdateKinds.Key(
      objective: objective, type: part.type, settings: groups[part], isAveraged: averaged.contains(part))
  }

  /// Value and gradient.
  func operands(of number: Int) -> [Value] { [updates[number].value.value, updates[number].gradient.value] }

  /// Declares the memory of an update that is to be a copy of a model's; false where the memory is not alike, and nil,
  /// with the fault on record, where it cannot be declared.
  func declareCopy(
    _ number: Int, of model: UpdateCopies.Kind, _ record: inout [CompiledSlot], in graph: Graph
  ) -> Bool? {
    let part = updates[number].part
    let place = part.variable.name
    let memory = memory(of: number)
    guard memory == model.memory else { return false }
    for own in memory {
      let scope = part.slotScope(own.owner)
      for slot in own.slots {
        guard let variable = declare(slot, in: scope, at: place, in: graph) else { return nil }
        record.append(
          CompiledSlot(
            variable, of: SlotOwner(optimizer: own.owner, part: part), startsAtValue: slot.startsAtValue))
      }
    }
    return true
  }

  /// What is remembered of the part of an update: by the optimiser, and for its average.
  func memory(of number: Int) -> [PartMemory] {
    let part = updates[number].part
    let own = PartMemory(owner: optimizer.name, slots: optimizer.slots(for: part))
    guard let averaging, averaged.contains(part) else { return [own] }
    return [own, PartMemory(owner: averaging.name, slots: Self.slots(of: averaging, for: part))]
  }

  // MARK: Updates

  /// Declares and updates what the optimiser keeps once; false, with the fault on record, where it breaks its promise.
  mutating func updateShared(_ record: inout [CompiledSlot], in graph: Graph) -> Bool {
    graph.section("update/" + scope, phase: .update) {
      let name = optimizer.name
      guard let declared = declare(optimizer.sharedSlots, in: scope, at: name, in: graph) else {
        return false
      }
      if declared.isEmpty { return true }
      record += declared.map { CompiledSlot($0.0, of: SlotOwner(optimizer: name, part: nil)) }
      let updated = optimizer.updateShared(declared.map(\.1))
      guard updated.count == declared.count else {
        graph.report(
          FirnError(
            .invalidArgument,
            "optimizer `\(name)` lists \(declared.count) shared slots and updates \(updated.count)",
            remedy: "return one new value for each slot", place: name))
        return false
      }
      let targets = declared.map { ($0.0.name, $0.0.type) }
      guard check(updated, targets, at: name, in: graph) else { return false }
      for ((variable, old), value) in zip(declared, updated) {
        assign(whereDue(value, old), to: variable, in: graph)
      }
      sharedSlots = declared.map(\.1)
      return true
    }
  }

  /// What one part and its slots become; nil, with the fault on record, where the optimiser breaks its promise.
  ///
  /// - Parameter model: the number of the update where others are to be copies of it: it is made on stand-ins.
  func append(
    _ number: Int, _ model: Int?, _ record: inout [CompiledSlot], to graph: Graph
  ) -> (value: Tensor, slots: [(Variable, Tensor)])? {
    var update = updates[number]
    if let model {
      let op = UpdateInput(model, type: update.part.type)
      update.value = graph.append(op, [])[0]
      update.gradient = graph.append(op, [update.gradient])[0]
    }
    let part = update.part
    let place = part.variable.name
    let listed = optimizer.slots(for: part)
    guard let declared = declare(listed, in: part.slotScope(optimizer.name), at: place, in: graph) else {
      return nil
    }
    let (declarations, slots) = (declared.map(\.0), declared.map(\.1))
    record += zip(declarations, listed).map {
      CompiledSlot(
        $0, of: SlotOwner(optimizer: optimizer.name, part: part), startsAtValue: $1.startsAtValue)
    }
    let updated = optimizer.update(
      ParameterUpdate(
        part: part, value: update.value, gradient: update.gradient, slots: slots, sharedSlots: sharedSlots,
        all: updates, rate: groups[part].rate, weightDecay: groups[part].weightDecay))
    guard updated.slots.count == declarations.count else {
      graph.report(
        FirnError(
          .invalidArgument,
          "optimizer `\(optimizer.name)` lists \(declarations.count) slots and updates \(updated.slots.count)",
          remedy: "return one new value for each slot", place: place))
      return nil
    }
    let targets = [(part.description, part.type)] + declarations.map { ($0.name, $0.type) }
    guard check([updated.value] + updated.slots, targets, at: place, in: graph) else { return nil }
    var value = whereDue(updated.value, update.value)
    if let mask = masks[number] { value = select(where: mask, update.value, otherwise: value) }
    guard let averages = average(of: part, value, &record, in: graph) else { return nil }
    return (value, zip(declared, updated.slots).map { ($0.0, whereDue($1, $0.1)) } + averages)
  }

  /// What the average of a part becomes, given its value after the step; none where none is kept, and nil, with the
  /// fault on record, where it cannot be.
  private func average(
    of part: TrainedPart, _ value: Tensor, _ record: inout [CompiledSlot], in graph: Graph
  ) -> [(Variable, Tensor)]? {
    guard let averaging, averaged.contains(part) else { return [] }
    let listed = Self.slots(of: averaging, for: part)
    let scope = part.slotScope(averaging.name)
    guard let declared = declare(listed, in: scope, at: part.variable.name, in: graph) else { return nil }
    record += zip(declared, listed).map {
      CompiledSlot(
        $0.0, of: SlotOwner(optimizer: averaging.name, part: part), startsAtValue: $1.startsAtValue)
    }
    let old = declared[0].1
    let new: [Tensor]
    switch averaging.rule {
    case .decay(let decay): new = [decay * old + (1 - decay) * value]
    case .mean:
      let number = declared[1].1 + 1
      new = [old + (value - old) / number.cast(to: value.dtype), number]
    }
    return zip(declared, new).map { ($0.0, whereDue($1, $0.1)) }
  }

  private static func slots(of averaging: Averaging, for part: TrainedPart) -> [OptimizerSlot] {
    let mean = OptimizerSlot("value", startingAtValueOf: part)
    let count = OptimizerSlot("count", type: TensorType(.f64, .scalar))
    return averaging.rule == .mean ? [mean, count] : [mean]
  }

  /// The new value in a run that makes a step, the old one in others.
  private func whereDue(_ new: Tensor, _ old: Tensor) -> Tensor {
    guard let isDue, !new.isPoisoned else { return new }
    return select(where: isDue, new, otherwise: old)
  }

  // MARK: Slots

  /// A number kept for the whole objective; nil, with the fault on record, where it cannot be.
  private func counter(
    _ name: String, _ record: inout [CompiledSlot], in graph: Graph
  ) -> (variable: Variable, read: Tensor)? {
    let slot = OptimizerSlot(name, type: TensorType(.f64, .scalar))
    guard let declared = declare([slot], in: scope, at: optimizer.name, in: graph)?.first else { return nil }
    record.append(CompiledSlot(declared.0, of: SlotOwner(optimizer: optimizer.name, part: nil)))
    return (declared.0, declared.1)
  }

  private func assign(_ value: Tensor, to variable: Variable, in graph: Graph) {
    _ = graph.append(AssignVariable(variable.name), [value])
  }

  /// The variables of slots, and their reads.
  private func declare(
    _ slots: [OptimizerSlot], in scope: String, at place: String, in graph: Graph
  ) -> [(Variable, Tensor)]? {
    var result: [(Variable, Tensor)] = []
    for slot in slots {
      guard let declaration = declare(slot, in: scope, at: place, in: graph) else { return nil }
      result.append((declaration, graph.append(ReadVariable(declaration), [], name: slot.name)[0]))
    }
    return result
  }

  /// The variable of a slot; nil, with the fault on record, where it cannot be.
  private func declare(
    _ slot: OptimizerSlot, in scope: String, at place: String, in graph: Graph
  ) -> Variable? {
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
    return declaration
  }

  /// Whether new values are of the types of what they are for.
  private func check(
    _ values: [Tensor], _ targets: [(String, TensorType)], at place: String, in graph: Graph
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

  private func fault(
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
}
