import FirnCompiler
import FirnGraph

/// Whose memory each optimiser slot of a session is, and what becomes of it when a program is compiled or a run
/// resumed.
///
/// A value without values: it says what to keep, start over and drop, and the session does so, or, where that fails,
/// goes on with the ledger it had.
struct SlotLedger: Hashable, Sendable {
  /// By name of a slot.
  private var owners: [String: SlotOwner] = [:]
  /// By optimiser name, what the last program compiled with it trains.
  private var trained: [String: [TrainedPart]] = [:]
  /// By optimiser name, its slots in the order they were made.
  private var slots: [String: [String]] = [:]
  /// The names under which programs keep averages.
  private var averages: Set<String> = []
  /// Slots that are sums over a window of runs.
  ///
  /// They come and go with accumulation: that they are missing is no reason to start moments over.
  private var sums: Set<String> = []

  /// Of some slots those without which a part starts fresh: the optimiser's own, and where it has none all.
  private func essential(_ names: [String]) -> [String] {
    let own = names.filter { !sums.contains($0) }
    return own.isEmpty ? names : own
  }

  /// An optimiser's slots by whose they are.
  private func slotsByOwner(_ optimizer: String) -> [SlotOwner: [String]] {
    Dictionary(grouping: (slots[optimizer] ?? []).filter { owners[$0] != nil }) {
      owners[$0] ?? SlotOwner(optimizer: optimizer, part: nil)
    }
  }

  /// What the last program compiled with this optimiser trains.
  func parts(of optimizer: String) -> [TrainedPart] { trained[optimizer] ?? [] }

  /// Whether a program was compiled that keeps averages of this name.
  func keepsAverages(called name: String) -> Bool { averages.contains(name) }

  /// Names of slots that the programs compiled last use, or the one compiled next decides.
  var live: Set<String> {
    let parts = trained.mapValues { Set($0) }
    return Set(
      owners.filter { _, owner in owner.part.map { parts[owner.optimizer]?.contains($0) == true } ?? true }
        .keys)
  }

  /// What becomes of slots.
  struct Decision: Hashable, Sendable {
    /// In creation order of variables, blocks in the order they are trained, then what is no longer.
    var reports: [SlotReport] = []
    /// Names of slots that are there and start over.
    var fresh: Set<String> = []
  }

  subscript(slot: String) -> SlotOwner? { owners[slot] }

  // MARK: Compiling

  /// The same for each optimiser that a program has: objectives whose optimisers have one name share one.
  mutating func compile(_ compilation: Compilation, among variables: [Variable]) -> Decision {
    let names = compilation.context.objectives.map(\.goal.optimizer.name)
    var parts: [String: [TrainedPart]] = [:]
    for (part, objective) in compilation.context.liveParts {
      parts[names[objective], default: []].append(part)
    }
    var decision = Decision()
    var seen: Set<String> = []
    for name in names where seen.insert(name).inserted {
      let own = compile(
        compilation.slots.filter { $0.owner.optimizer == name }, training: parts[name] ?? [], by: name,
        among: variables)
      decision.reports += own.reports
      decision.fresh.formUnion(own.fresh)
    }
    if let averaging = compilation.context.request.training?.averaging, seen.insert(averaging.name).inserted {
      averages.insert(averaging.name)
      let own = compile(
        compilation.slots.filter { $0.owner.optimizer == averaging.name },
        training: compilation.trainedParts.filter(compilation.context.averaged.contains),
        by: averaging.name, among: variables)
      decision.reports += own.reports
      decision.fresh.formUnion(own.fresh)
    }
    guard seen.count > 1 else { return decision }
    let order = Dictionary(
      variables.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    decision.reports = decision.reports.enumerated().sorted { a, b in
      let (first, second) = (order[a.element.variable] ?? 0, order[b.element.variable] ?? 0)
      return (first, a.offset) < (second, b.offset)
    }.map(\.element)
    return decision
  }

  /// Slots of what stays trained are kept; those of what is newly trained start fresh.
  ///
  /// Also where it was trained long before it was frozen. A block has slots of its own: a variable thawed whole after a
  /// part of it was trained starts fresh.
  ///
  /// - Parameters:
  ///   - parts: what the new program trains, with or without memory.
  ///   - variables: of the session's graph, in creation order.
  mutating func compile(
    _ compiled: [CompiledSlot], training parts: [TrainedPart], by optimizer: String,
    among variables: [Variable]
  ) -> Decision {
    let before = trained[optimizer] ?? []
    let wasTrained = Set(before)
    let isTrained = Set(parts)
    let wanted = Dictionary(grouping: compiled, by: \.owner)
    let grouped = Dictionary(
      grouping: parts + before.filter { !isTrained.contains($0) }, by: \.variable.name)
    var decision = Decision()
    let known = slotsByOwner(optimizer)
    sums.formUnion(compiled.lazy.filter { $0.window != nil }.map(\.variable.name))
    for part in variables.flatMap({ grouped[$0.name] ?? [] }) {
      let owner = SlotOwner(optimizer: optimizer, part: part)
      let origin: SlotReport.Origin
      if isTrained.contains(part) {
        guard let names = wanted[owner]?.map(\.variable.name) else { continue }
        let isWhole = essential(names).allSatisfy { owners[$0] != nil }
        origin = wasTrained.contains(part) && isWhole ? .kept : .fresh
        if origin == .fresh { decision.fresh.formUnion(names.filter { owners[$0] != nil }) }
      } else {
        guard known[owner] != nil else { continue }
        origin = .dropped
      }
      decision.reports.append(SlotReport(variable: part.variable.name, block: part.block, origin: origin))
    }
    for slot in compiled { enter(slot.variable.name, of: slot.owner) }
    trained[optimizer] = parts
    return decision
  }

  private mutating func enter(_ slot: String, of owner: SlotOwner) {
    if owners.updateValue(owner, forKey: slot) == nil { slots[owner.optimizer, default: []].append(slot) }
  }

  // MARK: Resuming

  /// What to make of saved memory.
  struct Resumption: Hashable, Sendable {
    /// In creation order of variables.
    var reports: [SlotReport] = []
    /// Slots that are there, and for each the number of the saved one it becomes; nil to start over.
    var assigned: [Assignment] = []
    /// Numbers of saved slots that are kept for the program compiled next.
    var added: [Int] = []

    struct Assignment: Hashable, Sendable {
      var slot: String
      var saved: Int?
    }
  }

  /// Where an optimiser's program is compiled already, the memory of what it trains is put back, or starts fresh where
  /// there is none or too little, and what else was saved is dropped; otherwise all is kept for the program compiled
  /// next.
  mutating func resume(
    _ saved: [CompiledSlot], among variables: [Variable]
  ) -> Resumption {
    var result = Resumption()
    var origins: [TrainedPart: SlotReport.Origin] = [:]
    let compiled = Set(trained.keys)
    let numbers = Dictionary(
      saved.enumerated().map { ($1.variable.name, $0) }, uniquingKeysWith: { first, _ in first })
    func number(of slot: String) -> Int? { numbers[slot] }
    for optimizer in compiled.sorted() {
      let own = slotsByOwner(optimizer)
      for part in trained[optimizer] ?? [] {
        let wanted = own[SlotOwner(optimizer: optimizer, part: part)] ?? []
        if wanted.isEmpty { continue }
        let numbers = wanted.map(number)
        let isKept = essential(wanted).allSatisfy { number(of: $0) != nil }
        origins[part] = isKept ? .kept : .fresh
        result.assigned += zip(wanted, numbers).map {
          Resumption.Assignment(slot: $0, saved: isKept ? $1 : nil)
        }
      }
      let shared = own[SlotOwner(optimizer: optimizer, part: nil)] ?? []
      result.assigned += shared.map { Resumption.Assignment(slot: $0, saved: number(of: $0)) }
    }
    var entered = trained.mapValues { Set($0) }
    for (number, slot) in saved.enumerated() {
      if compiled.contains(slot.owner.optimizer) {
        if let part = slot.owner.part, origins[part] == nil { origins[part] = .dropped }
        continue
      }
      result.added.append(number)
      enter(slot.variable.name, of: slot.owner)
      guard let part = slot.owner.part else { continue }
      origins[part] = .kept
      if entered[slot.owner.optimizer, default: []].insert(part).inserted {
        trained[slot.owner.optimizer, default: []].append(part)
      }
    }
    let order = Dictionary(
      variables.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    func key(_ report: SlotReport) -> (Int, Int) {
      (order[report.variable] ?? 0, report.block?.range.lowerBound ?? 0)
    }
    result.reports = origins.map { SlotReport(variable: $0.variable.name, block: $0.block, origin: $1) }
      .sorted { key($0) < key($1) }
    return result
  }
}
