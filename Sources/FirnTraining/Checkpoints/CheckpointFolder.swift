internal import FirnFiles
import FirnFormats
public import FirnGraph
public import FirnRuntime
internal import Foundation

/// A folder of checkpoints of one training run: the last few, and the best.
///
///     let folder = try CheckpointFolder("run", keepingLast: 3)
///     try folder.save(session, running: program, step: step, metric: validationLoss)
///     …
///     if let checkpoint = try folder.latest() { try checkpoint.resume(in: session) }
///
/// Files are `step-000000000042.safetensors` and `best.safetensors`. Each appears whole or not at all, so that a
/// process may die at any moment; older ones go only after a newer one is there and could be read. One process at a
/// time writes to a folder; others may read.
///
/// A run that goes on from an older checkpoint, or starts anew, leaves those of later steps behind: after its first
/// save they are called `abandoned-…`, so that ``latest()`` is of the new run, and stay until that has come as far. The
/// best stays the best, whichever run it is of.
public final class CheckpointFolder {
  /// The folder, as it was given.
  public let path: String
  /// How many of the last ones are kept, at least one.
  public let keptCount: Int
  /// Whether checkpoints hold all variables, or those the program writes.
  public let saving: Saving
  /// Takes what is worth knowing though it stops nothing, such as a damaged checkpoint that is passed over; by default
  /// it is written to standard error.
  public var onWarning: (String) -> Void = StandardError.write
  private var digest = BaseDigest()
  private var text = GraphText()
  private var hasSaved = false
  /// The best checkpoint as it was last read or written here, so that it is not digested at each save.
  private var knownBest: (mark: FileMark, metric: Double?)?

  /// A folder for one run; checkpoints that are there already stay, and can be resumed from.
  ///
  /// - Parameters:
  ///   - path: made if it is not there.
  ///   - keepingLast: how many checkpoints stay.
  ///   - saving: all variables, or those the program writes; see ``Saving``.
  /// - Throws: `.file` where the folder cannot be made.
  public init(_ path: String, keepingLast: Int = 3, saving: Saving = .everything) throws(FirnError) {
    self.path = path
    self.saving = saving
    keptCount = max(1, keepingLast)
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw FirnError(
        .file, "cannot make the folder '\(path)': \(FileReason.words(error))",
        remedy: "choose another place, or allow writing")
    }
  }

  /// Writes a checkpoint; afterwards removes those that are too old, and sets aside those of later steps.
  ///
  /// - Parameters:
  ///   - program: the one that trains.
  ///   - step: steps done, not negative; a checkpoint of the same step is replaced.
  ///   - position: where the data is; without it a resumed run begins the data anew.
  ///   - metric: lower is better; the best so far is kept whatever its age. One that cannot be read is replaced, with a
  ///     warning of the session.
  /// - Returns: the path of the file.
  /// - Throws: `.file` where it cannot be written, or what was written not be read; `.notFinite` for a metric that is
  ///   no finite number; `.invalidArgument` for a negative step. What was there stays.
  @discardableResult
  public func save(
    _ session: Session, running program: Program, step: Int, position: DataPosition? = nil,
    metric: Double? = nil
  ) throws(FirnError) -> String {
    try save(
      session, running: program, step: step, position: position, metric: metric, notes: [:], isBest: nil)
  }

  /// - Parameters:
  ///   - written: what programs before this one wrote in the run.
  ///   - notes: what else the run keeps.
  ///   - isBest: whether it is the best of its run; nil to decide by the metric, against whatever run's best is there.
  func save(
    _ session: Session, running program: Program, step: Int, position: DataPosition?, metric: Double?,
    besides written: Set<String> = [], notes: [String: String], isBest decided: Bool?
  ) throws(FirnError) -> String {
    if let metric, !metric.isFinite {
      throw FirnError(
        .notFinite, "the metric of step \(step) is \(metric)",
        remedy: "leave the metric out, or look at the run")
    }
    let checkpoint = try Checkpoint(
      of: session, running: program, step: step, position: position, metric: metric, saving: saving,
      besides: written, notes: notes, digest: &digest, text: &text)
    if !hasSaved { AtomicFile.removeLeftovers(in: path, ending: Self.ending) }
    hasSaved = true
    let file = full(Self.name(step))
    try checkpoint.write(to: file)
    let isBest = decided ?? metric.map { self.isBest($0, warning: session.onWarning) } ?? false
    if isBest {
      try checkpoint.write(to: full(Self.bestName))
      knownBest = FileMark(full(Self.bestName)).map { ($0, metric) }
    }
    try retire(after: step)
    return file
  }

  private func isBest(_ metric: Double, warning: (String) -> Void) -> Bool {
    do throws(FirnError) {
      // Before it is read: a file that changes meanwhile is another one the next time.
      let mark = FileMark(full(Self.bestName))
      if let knownBest, knownBest.mark.isSettled, knownBest.mark == mark {
        return metric < knownBest.metric ?? .infinity
      }
      knownBest = nil
      guard let best = try best() else { return true }
      knownBest = mark.map { ($0, best.metric) }
      return metric < best.metric ?? .infinity
    } catch {
      warning("the best checkpoint is replaced, as it cannot be read: \(error.message)")
      return true
    }
  }

  /// What the checkpoint of `step` makes superfluous.
  private func retire(after step: Int) throws(FirnError) {
    let steps = try steps()
    for later in steps where later > step {
      try AtomicFile.move(full(Self.name(later)), to: full(Self.name(later, Self.abandoned)))
    }
    for old in steps.filter({ $0 <= step }).dropLast(keptCount) { remove(Self.name(old)) }
    for passed in try self.steps(Self.abandoned) where passed <= step {
      remove(Self.name(passed, Self.abandoned))
    }
  }

  /// The checkpoint of the most steps that is whole; nil where there is none at all.
  ///
  /// A damaged one is passed over for the one before, with a warning that names both. It stays, and is set aside when
  /// the run that goes on from the other saves next.
  ///
  /// - Throws: `.file` where the folder or the checkpoint cannot be read; `.parse` where none is whole, or the newest
  ///   is of another version.
  /// - Complexity: as ``Checkpoint/init(contentsOf:)``, for each that is looked at.
  public func latest() throws(FirnError) -> Checkpoint? {
    var faults: [FirnError] = []
    for step in try steps().reversed() {
      let path = full(Self.name(step))
      do throws(FirnError) {
        let checkpoint = try Checkpoint(contentsOf: path)
        for fault in faults { onWarning("\(fault.message); step \(step), the one before, is taken") }
        return checkpoint
      } catch {
        guard error.code == .parse, !Checkpoint.isOfAnotherVersion(path) else { throw error }
        faults.append(error)
      }
    }
    guard let first = faults.first else { return nil }
    if faults.count == 1 { throw first }
    throw FirnError(
      .parse, "none of the \(faults.count) checkpoints in '\(path)' is whole",
      remedy: "look for `\(Self.bestName)` and `\(Self.abandoned)…` there, or begin anew", causes: faults)
  }

  /// The checkpoint of a step that ``steps()`` lists; any other file is read by ``Checkpoint/init(contentsOf:)``.
  ///
  /// - Throws: `.unknownName` where there is none of that step, `.file` where it cannot be read, `.parse` where it is
  ///   damaged or of another version.
  public func checkpoint(ofStep step: Int) throws(FirnError) -> Checkpoint {
    let steps = try steps()
    guard steps.contains(step) else {
      throw FirnError(
        .unknownName, "'\(path)' has no checkpoint of step \(step)",
        remedy: steps.isEmpty ? "it has none" : "it has " + steps.map(String.init).joined(separator: ", "))
    }
    return try Checkpoint(contentsOf: full(Self.name(step)))
  }

  /// The checkpoint of the lowest metric; nil where none was saved with one.
  ///
  /// - Throws: `.file` where the folder or the checkpoint cannot be read, `.parse` where that is damaged.
  public func best() throws(FirnError) -> Checkpoint? {
    guard try names().contains(Self.bestName) else { return nil }
    return try Checkpoint(contentsOf: full(Self.bestName))
  }

  /// Steps there are checkpoints of, ascending.
  ///
  /// - Throws: `.file` where the folder cannot be read.
  public func steps() throws(FirnError) -> [Int] { try steps(Self.beginning) }

  private func steps(_ beginning: String) throws(FirnError) -> [Int] {
    try names().compactMap { name in
      guard name.hasPrefix(beginning), name.hasSuffix(Self.ending) else { return nil }
      let step = Int(name.dropFirst(beginning.count).dropLast(Self.ending.count))
      // Names that are spelt otherwise are not ours.
      return step.flatMap { Self.name($0, beginning) == name ? $0 : nil }
    }.sorted()
  }

  private static let beginning = "step-"
  private static let abandoned = "abandoned-"
  private static let ending = ".safetensors"
  private static let bestName = "best" + ending

  private static func name(_ step: Int, _ beginning: String = beginning) -> String {
    let digits = String(step)
    return beginning + String(repeating: "0", count: max(0, 12 - digits.count)) + digits + ending
  }

  private func full(_ name: String) -> String { path + "/" + name }

  private func names() throws(FirnError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    } catch {
      throw FirnError(
        .file, "cannot read the folder '\(path)': \(FileReason.words(error))",
        remedy: "check the path and its permissions")
    }
  }

  /// What cannot be removed stays: more is kept than was asked for, nothing is lost.
  private func remove(_ name: String) { try? FileManager.default.removeItem(atPath: full(name)) }
}
