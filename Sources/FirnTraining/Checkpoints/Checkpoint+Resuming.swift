import FirnCompiler
import FirnFormats
public import FirnGraph
public import FirnRuntime

/// What resuming found.
public struct Resumption: Hashable, Sendable {
  /// Steps done when the checkpoint was made.
  public let step: Int
  /// Where the data was, to give to `Trainer.fit`; nil where the checkpoint was saved without it.
  public let position: DataPosition?
  /// For each variable that has optimiser memory here or in the checkpoint, what became of it.
  ///
  /// Where no program is compiled yet all is kept, and the next program's `slotReport` decides.
  public let slots: [SlotReport]
}

extension Checkpoint {
  /// Puts a session back to where this was made; all or nothing.
  ///
  /// Also under another selection than then: memory of variables that are still trained is kept, that of others is
  /// reported and left out. What a checkpoint of the trained part leaves out must be in the session already.
  ///
  /// - Returns: where the run was, and what became of the optimisers' memory.
  /// - Throws: `.unknownName`, `.shapeMismatch` or `.typeMismatch` where variables are missing, unexpected or of other
  ///   types, all of them listed; `.invalidArgument` where the session has another seed, or what the checkpoint leaves
  ///   out is not what it was; `.parse` where the file is damaged. No variable has changed then.
  /// - Complexity: O(1) for each variable, whose bytes are read in place when they are needed; with `.trained` besides
  ///   one pass over what the checkpoint leaves out.
  @discardableResult
  public func resume(in session: Session) throws(FirnError) -> Resumption {
    guard session.seed == record.seed else {
      throw FirnError(
        .invalidArgument, "the checkpoint was made with seed \(record.seed), the session has \(session.seed)",
        remedy: "make the session with `seed: \(record.seed)`")
    }
    let saved = Set(record.variables.map(\.name))
    let slotNames = Set(record.slots.map(\.name))
    let variables = session.variables.filter { $0.kind != .slot }
    let rest = variables.filter { !saved.contains($0.name) }
    if let base = record.base {
      var digest = BaseDigest()
      guard try digest.value(of: rest, in: session) == base else {
        throw FirnError(
          .invalidArgument,
          "the checkpoint holds only what was trained, and the other \(rest.count) variables are not what they were",
          remedy: "load the weights it was trained from first")
      }
    }
    let values = try Weights(
      source: weights.source, entries: weights.entries.filter { !slotNames.contains($0.name) })
    let origins = Dictionary(
      record.variables.map { ($0.name, $0.origin) }, uniquingKeysWith: { first, _ in first })
    var changes = try session.changes(
      loading: values, leavingOut: record.base == nil ? [] : Set(rest.map(\.name)))
    for index in changes.indices { changes[index].origin = origins[changes[index].name] }
    let declared = Dictionary(variables.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var slots: [SavedSlot] = []
    for slot in record.slots {
      guard let entry = weights[slot.name] else {
        throw FirnError(
          .parse, "\(weights.source) lacks `\(slot.name)`, memory that its record lists",
          remedy: "resume from an older checkpoint", place: slot.name)
      }
      let array = try entry.array()
      let variable = slot.variable.flatMap { declared[$0] }
      if slot.variable != nil, variable == nil { continue }
      if let block = slot.block, let extents = variable?.type.shape.extents,
        !extents.indices.contains(block.axis) || block.range.isEmpty
          || !(0...extents[block.axis]).contains(block.range.lowerBound)
          || block.range.upperBound > extents[block.axis]
      {
        throw FirnError(
          .parse,
          "\(weights.source) holds memory of `\(slot.variable ?? "")\(block)`, which is no part of it",
          remedy: "resume from an older checkpoint", place: slot.variable)
      }
      slots.append(
        SavedSlot(
          CompiledSlot(
            Variable(
              name: slot.name, type: TensorType(array.dtype, Shape(array.shape)), kind: .slot,
              role: slot.role, initializer: .zeros, isTrainable: false),
            of: SlotOwner(
              optimizer: slot.optimizer, part: variable.map { TrainedPart($0, block: slot.block) })),
          array: array))
    }
    let reports = try session.resume(changes, slots: slots, runs: record.runs)
    return Resumption(step: record.step, position: record.position, slots: reports)
  }
}
