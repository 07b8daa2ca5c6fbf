package import FirnCompiler
package import FirnGraph

/// An optimiser's slot as a checkpoint holds it.
package struct SavedSlot: Sendable {
  package var slot: CompiledSlot
  package var array: NDArray

  package init(_ slot: CompiledSlot, array: NDArray) {
    self.slot = slot
    self.array = array
  }
}

/// The state of a session beyond its variables, out and in.
extension Session {
  /// The optimisers' memory that the programs compiled last use; that of variables in their order, then what is shared.
  ///
  /// - Parameter program: another of which it is, too: one with an optimiser of the same name may have been compiled since.
  package func liveSlots(running program: Program? = nil) throws(FirnError) -> [SavedSlot] {
    let order = Dictionary(
      graph.variables.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    var slots: [(order: Int, slot: SavedSlot)] = []
    let live = ledger.live.union(program?.compilation.slots.map(\.variable.name) ?? [])
    for variable in store.variables where live.contains(variable.name) {
      guard let owner = ledger[variable.name] else { continue }
      let slot = SavedSlot(
        CompiledSlot(variable, of: owner), array: try store.value(of: variable.name))
      slots.append((owner.part.flatMap { order[$0.variable.name] } ?? order.count, slot))
    }
    // Stable, so that one variable's slots stay in the order they were made.
    return slots.enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }
      .map(\.element.slot)
  }

  /// Where a variable's value came from.
  package func origin(of name: String) -> Origin { store[name]?.origin ?? .initialized }

  /// A number that moves whenever the variable gets a value.
  package func revision(of name: String) -> Int { store[name]?.revision ?? 0 }

  /// Where variables stand, for those who ask in every step; they stay there.
  package func places(of names: [String]) -> [Int] { names.map { store.position(of: $0) } }

  /// Whether none of the variables at these places has got a value since their revisions were these.
  package func isStill(at places: [Int], _ revisions: [Int]) -> Bool {
    for (number, place) in places.enumerated() where store.entries[place].revision != revisions[number] {
      return false
    }
    return true
  }

  /// Puts back variables, optimisers' memory and the number of runs; all or nothing.
  ///
  /// Where an optimiser's program is compiled already, the memory of what it trains is put back, or starts fresh where
  /// there is none, and what else was saved is dropped. Otherwise all is kept for the program compiled next, which
  /// decides.
  ///
  /// - Returns: what became of each variable's memory, in creation order.
  package func resume(
    _ changes: [VariableChange], slots: [SavedSlot], runs: UInt64
  ) throws(FirnError) -> [SlotReport] {
    let before = (store, ledger)
    do throws(FirnError) {
      let resumption = ledger.resume(slots.map(\.slot), among: graph.variables)
      try store.add(resumption.added.map { slots[$0].slot.variable })
      var changes = changes
      for assignment in resumption.assigned {
        let array = assignment.saved.map { slots[$0].array }
        changes.append(VariableChange(assignment.slot, to: array, origin: .initialized))
      }
      for saved in resumption.added.map({ slots[$0] }) {
        changes.append(
          VariableChange(saved.slot.variable.name, to: saved.array, origin: .initialized))
      }
      try apply(changes)
      self.runs = runs
      return resumption.reports
    } catch {
      (store, ledger) = before
      throw error
    }
  }
}
