package import FirnCompiler
package import FirnGraph

/// An optimiser's slot as a checkpoint holds it.
package struct SavedSlot: Sendable {
  package var declaration: Variable
  package var optimizer: String
  /// Whose memory it is; nil where it is kept once for the whole program.
  package var part: TrainedPart?
  package var array: NDArray

  package init(declaration: Variable, optimizer: String, part: TrainedPart?, array: NDArray) {
    self.declaration = declaration
    self.optimizer = optimizer
    self.part = part
    self.array = array
  }
}

/// The state of a session beyond its variables, out and in.
extension Session {
  /// The optimisers' memory that the programs compiled last use; that of variables in their order, then what is shared.
  package func liveSlots() throws(FirnError) -> [SavedSlot] {
    let order = Dictionary(
      graph.variables.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    var slots: [(order: Int, slot: SavedSlot)] = []
    for variable in store.variables where variable.kind == .slot {
      guard let owner = slotOwners[variable.name] else { continue }
      let trained = lastTrained[owner.optimizer] ?? []
      if let part = owner.part, !trained.contains(part) { continue }
      let slot = SavedSlot(
        declaration: variable, optimizer: owner.optimizer, part: owner.part,
        array: try store.value(of: variable.name))
      slots.append((owner.part.flatMap { order[$0.variable.name] } ?? order.count, slot))
    }
    // Stable, so that one variable's slots stay in the order they were made.
    return slots.enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }
      .map(\.element.slot)
  }

  /// Where a variable's value came from.
  package func provenance(of name: String) -> Provenance { store[name]?.provenance ?? .initialized }

  /// A number that moves whenever the variable gets a value.
  package func revision(of name: String) -> Int { store[name]?.revision ?? 0 }

  /// Puts back variables, optimisers' memory and the number of runs; all or nothing.
  ///
  /// Where an optimiser's program is compiled already, the memory of what it trains is put back, or starts fresh where
  /// there is none, and what else was saved is dropped. Otherwise all is kept for the program compiled next, which decides.
  ///
  /// - Returns: what became of each variable's memory, in creation order.
  package func resume(
    _ changes: [VariableChange], slots: [SavedSlot], runs: UInt64
  ) throws(FirnError) -> [SlotReport] {
    let before = (store, lastTrained, slotOwners)
    do throws(FirnError) {
      let (slotChanges, reports) = try prepare(slots)
      try apply(changes + slotChanges)
      self.runs = runs
      return reports
    } catch {
      (store, lastTrained, slotOwners) = before
      throw error
    }
  }

  private func prepare(
    _ slots: [SavedSlot]
  ) throws(FirnError) -> (changes: [VariableChange], reports: [SlotReport]) {
    var origins: [TrainedPart: SlotReport.Origin] = [:]
    var changes: [VariableChange] = []
    let compiled = Set(lastTrained.keys)
    for optimizer in compiled.sorted() {
      for part in lastTrained[optimizer] ?? [] {
        let owner = SlotOwner(optimizer: optimizer, part: part)
        let wanted = store.variables.filter { slotOwners[$0.name] == owner }
        let saved = wanted.compactMap { slot in slots.first { $0.declaration.name == slot.name } }
        if wanted.isEmpty { continue }
        let isKept = saved.count == wanted.count
        origins[part] = isKept ? .kept : .fresh
        for (index, slot) in wanted.enumerated() {
          changes.append(
            VariableChange(slot.name, to: isKept ? saved[index].array : nil, provenance: .initialized))
        }
      }
      let shared = SlotOwner(optimizer: optimizer, part: nil)
      for slot in store.variables where slotOwners[slot.name] == shared {
        let saved = slots.first { $0.declaration.name == slot.name }
        changes.append(VariableChange(slot.name, to: saved?.array, provenance: .initialized))
      }
    }
    for slot in slots {
      if compiled.contains(slot.optimizer) {
        if let part = slot.part, origins[part] == nil { origins[part] = .dropped }
        continue
      }
      try store.add(slot.declaration)
      slotOwners[slot.declaration.name] = SlotOwner(optimizer: slot.optimizer, part: slot.part)
      changes.append(VariableChange(slot.declaration.name, to: slot.array, provenance: .initialized))
      guard let part = slot.part else { continue }
      origins[part] = .kept
      if lastTrained[slot.optimizer]?.contains(part) != true {
        lastTrained[slot.optimizer, default: []].append(part)
      }
    }
    let order = graph.variables.map(\.name)
    let reports = origins.map { SlotReport(variable: $0.variable.name, block: $0.block, origin: $1) }
    return (
      changes,
      reports.sorted {
        let (a, b) = (order.firstIndex(of: $0.variable) ?? 0, order.firstIndex(of: $1.variable) ?? 0)
        return (a, $0.block?.range.lowerBound ?? 0) < (b, $1.block?.range.lowerBound ?? 0)
      }
    )
  }
}
