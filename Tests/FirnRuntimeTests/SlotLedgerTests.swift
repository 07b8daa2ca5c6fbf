import FirnCompiler
import FirnGraph
import FirnNotation
import Testing

@testable import FirnRuntime

/// Rule 6 of slots, on the ledger alone: no session, no values.
@Suite struct SlotLedgerTests {
  private let variables = ["a", "b", "c"].map { name in
    Variable(
      name: name, type: TensorType(.f32, [4]), kind: .parameter, role: "", initializer: .zeros,
      isTrainable: true)
  }
  private var ledger = SlotLedger()

  private func part(_ name: String, _ block: Block? = nil) -> TrainedPart {
    TrainedPart(variables.first { $0.name == name } ?? variables[0], block: block)
  }

  /// What a compilation declares for these parts, slots of each by name.
  private func slots(
    _ parts: [TrainedPart], _ names: [String] = ["m", "v"], shared: [String] = [],
    by optimizer: String = "adam"
  ) -> [CompiledSlot] {
    func slot(_ path: String, _ part: TrainedPart?) -> CompiledSlot {
      CompiledSlot(
        Variable(
          name: path, type: TensorType(.f32, [4]), kind: .slot, role: "", initializer: .zeros,
          isTrainable: false), of: SlotOwner(optimizer: optimizer, part: part))
    }
    return shared.map { slot("\(optimizer)/\($0)", nil) }
      + parts.flatMap { part in names.map { slot("\(part.slotScope(optimizer))/\($0)", part) } }
  }

  private mutating func compile(
    _ parts: [TrainedPart], _ names: [String] = ["m", "v"], shared: [String] = [],
    by optimizer: String = "adam"
  ) -> SlotLedger.Decision {
    ledger.compile(
      slots(parts, names, shared: shared, by: optimizer), training: parts, by: optimizer, among: variables)
  }

  private mutating func compile(_ names: String..., by optimizer: String = "adam") -> SlotLedger.Decision {
    compile(names.map { part($0) }, by: optimizer)
  }

  private func told(_ reports: [SlotReport]) -> [String] {
    reports.map { "\($0.variable)\($0.block?.description ?? "") \($0.origin.rawValue)" }
  }

  // MARK: Compiling

  @Test mutating func allIsFreshAtFirst() {
    let first = compile("a", "b")
    #expect(told(first.reports) == ["a fresh", "b fresh"])
    #expect(first.fresh.isEmpty, "nothing is there that could start over")
    #expect(ledger["a/adam/m"] == SlotOwner(optimizer: "adam", part: part("a")))
    #expect(ledger["c/adam/m"] == nil)
    #expect(ledger.live.contains("b/adam/v") && !ledger.live.contains("c/adam/v"))
  }

  @Test mutating func whatStaysTrainedIsKept() {
    _ = compile("a", "b")
    let second = compile("a", "b", "c")
    #expect(told(second.reports) == ["a kept", "b kept", "c fresh"])
    #expect(second.fresh.isEmpty)
  }

  @Test mutating func whatIsFrozenIsDroppedAndThenFresh() {
    _ = compile("a", "b")
    #expect(told(compile("b").reports) == ["a dropped", "b kept"])
    #expect(!ledger.live.contains("a/adam/m") && ledger.live.contains("b/adam/m"))
    // Dropped once: the program after next says nothing of it.
    #expect(told(compile("b").reports) == ["b kept"])
    // Trained long before it was frozen: old momentum must not coast.
    let thawed = compile("a", "b")
    #expect(told(thawed.reports) == ["a fresh", "b kept"])
    #expect(thawed.fresh == ["a/adam/m", "a/adam/v"])
  }

  @Test mutating func reportsAreInCreationOrder() {
    _ = compile("c", "a")
    #expect(told(compile("b", "a").reports) == ["a kept", "b fresh", "c dropped"])
  }

  @Test mutating func blocksHaveSlotsOfTheirOwn() {
    let (head, tail) = (Block(axis: 0, range: 0..<2), Block(axis: 0, range: 2..<4))
    _ = compile([part("a", head)])
    #expect(
      told(compile([part("a", head), part("a", tail)]).reports) == ["a[0..<2] kept", "a[2..<4] fresh"])
    // The whole is another thing than its blocks together.
    let whole = compile([part("a")])
    #expect(told(whole.reports) == ["a fresh", "a[0..<2] dropped", "a[2..<4] dropped"])
    #expect(whole.fresh.isEmpty)
    let again = compile([part("a", head)])
    #expect(told(again.reports) == ["a[0..<2] fresh", "a dropped"])
    #expect(again.fresh == ["a/adam/rows_0_2/m", "a/adam/rows_0_2/v"])
  }

  @Test mutating func optimizersDoNotMeet() {
    _ = compile("a", by: "adam")
    #expect(told(compile("a", by: "other").reports) == ["a fresh"])
    #expect(ledger.live.contains("a/adam/m") && ledger.live.contains("a/other/m"))
    #expect(told(compile("a", by: "adam").reports) == ["a kept"])
  }

  /// Another optimiser of the same name has other memory, of which not all is there.
  @Test mutating func moreSlotsThanBeforeAreFresh() {
    _ = compile([part("a")], ["m"])
    let more = compile([part("a")], ["m", "v"])
    #expect(told(more.reports) == ["a fresh"])
    #expect(more.fresh == ["a/adam/m"])
  }

  @Test mutating func withoutSlotsNothingIsReported() {
    #expect(compile([part("a")], []).reports.isEmpty)
    #expect(compile([part("b")], []).reports.isEmpty, "nothing was dropped that was there")
    #expect(told(compile([part("b")], ["m"]).reports) == ["b fresh"])
  }

  @Test mutating func sharedSlotsStay() {
    _ = compile([part("a")], shared: ["step"])
    #expect(ledger["adam/step"]?.part == nil && ledger.live.contains("adam/step"))
    let second = compile([part("b")], shared: ["step"])
    #expect(ledger.live.contains("adam/step") && !second.fresh.contains("adam/step"))
    #expect(told(second.reports) == ["a dropped", "b fresh"])
  }

  /// A copy is what a failed compilation goes back to.
  @Test mutating func copiesAreIndependent() {
    _ = compile("a")
    let before = ledger
    _ = compile("b")
    #expect(ledger != before && before.live.contains("a/adam/m") && !before.live.contains("b/adam/m"))
    ledger = before
    #expect(told(compile("a").reports) == ["a kept"])
  }

  // MARK: Resuming

  private typealias Assignment = SlotLedger.Resumption.Assignment

  @Test mutating func beforeCompilingAllIsKeptForTheNextProgram() {
    let saved = slots([part("a"), part("b")], shared: ["step"])
    let resumed = ledger.resume(saved, among: variables)
    #expect(told(resumed.reports) == ["a kept", "b kept"])
    #expect(resumed.assigned.isEmpty && resumed.added == [0, 1, 2, 3, 4])
    #expect(ledger.live.contains("a/adam/m") && ledger.live.contains("adam/step"))
    // The program compiled next decides.
    #expect(told(compile("b", "c").reports) == ["a dropped", "b kept", "c fresh"])
  }

  @Test mutating func afterCompilingMemoryIsPutBackFreshOrDropped() {
    _ = compile([part("b"), part("c")], shared: ["step"])
    let saved = slots([part("a"), part("b")], shared: ["step"])
    let resumed = ledger.resume(saved, among: variables)
    #expect(told(resumed.reports) == ["a dropped", "b kept", "c fresh"])
    #expect(resumed.added.isEmpty)
    #expect(
      resumed.assigned == [
        Assignment(slot: "b/adam/m", saved: 3), Assignment(slot: "b/adam/v", saved: 4),
        Assignment(slot: "c/adam/m", saved: nil), Assignment(slot: "c/adam/v", saved: nil),
        Assignment(slot: "adam/step", saved: 0),
      ])
  }

  /// Half of a variable's memory is none.
  @Test mutating func incompleteMemoryStartsFresh() {
    _ = compile("a")
    let resumed = ledger.resume(slots([part("a")], ["m"]), among: variables)
    #expect(told(resumed.reports) == ["a fresh"])
    #expect(resumed.assigned.allSatisfy { $0.saved == nil } && resumed.assigned.count == 2)
  }

  @Test mutating func otherOptimizersAreResumedBeside() {
    _ = compile("a", by: "adam")
    let resumed = ledger.resume(
      slots([part("a")], by: "adam") + slots([part("b")], by: "other"), among: variables)
    #expect(told(resumed.reports) == ["a kept", "b kept"])
    #expect(resumed.added == [2, 3] && resumed.assigned.map(\.saved) == [0, 1])
    #expect(told(compile("b", by: "other").reports) == ["b kept"])
    #expect(told(compile("a", by: "adam").reports) == ["a kept"])
  }

  @Test mutating func blocksAreResumedByBlock() {
    let (head, tail) = (Block(axis: 0, range: 0..<2), Block(axis: 0, range: 2..<4))
    _ = compile([part("a", tail)])
    let resumed = ledger.resume(slots([part("a", head)]), among: variables)
    #expect(told(resumed.reports) == ["a[0..<2] dropped", "a[2..<4] fresh"])
  }
}
