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
/// Files are `step-000000000042.safetensors` and `best.safetensors`. Each appears whole or not at all, so that a process may
/// die at any moment; older ones go only after a newer one is there. One process at a time writes to a folder.
public final class CheckpointFolder {
  public let path: String
  /// How many of the last ones are kept, at least one.
  public let keptCount: Int
  public let saving: Saving
  private var digest = BaseDigest()

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
        .file, "cannot make the folder '\(path)': \(error.localizedDescription)",
        remedy: "choose another place, or allow writing")
    }
    // What a process left behind that died while it wrote.
    for name in try names() where name.hasSuffix(".tmp") && name.contains(Self.ending) { remove(name) }
  }

  /// Writes a checkpoint, and afterwards removes those that are too old.
  ///
  /// - Parameters:
  ///   - step: steps done; a checkpoint of the same step is replaced.
  ///   - metric: lower is better; the best so far is kept whatever its age.
  /// - Returns: the path of the file.
  /// - Throws: `.file` where it cannot be written; what was there stays.
  @discardableResult
  public func save(
    _ session: Session, running program: Program, step: Int, position: DataPosition? = nil,
    metric: Double? = nil
  ) throws(FirnError) -> String {
    if let metric, !metric.isFinite {
      throw FirnError(
        .notFinite, "the metric of step \(step) is \(metric)",
        remedy: "leave the metric out, or look at the run")
    }
    let checkpoint = try Checkpoint(
      of: session, running: program, step: step, position: position, metric: metric, saving: saving,
      digest: &digest)
    let file = Self.name(step)
    try checkpoint.write(to: full(file))
    if let metric, try best().map({ metric < $0.metric ?? .infinity }) ?? true {
      try checkpoint.write(to: full(Self.bestName))
    }
    for old in try steps().dropLast(keptCount) where old != step { remove(Self.name(old)) }
    return full(file)
  }

  /// The checkpoint of the most steps; nil where there is none.
  public func latest() throws(FirnError) -> Checkpoint? {
    guard let step = try steps().last else { return nil }
    return try Checkpoint(contentsOf: full(Self.name(step)))
  }

  /// The checkpoint of the lowest metric; nil where none was saved with one.
  public func best() throws(FirnError) -> Checkpoint? {
    guard try names().contains(Self.bestName) else { return nil }
    return try Checkpoint(contentsOf: full(Self.bestName))
  }

  /// Steps there are checkpoints of, ascending.
  public func steps() throws(FirnError) -> [Int] {
    try names().compactMap { name in
      guard name.hasPrefix(Self.beginning), name.hasSuffix(Self.ending) else { return nil }
      return Int(name.dropFirst(Self.beginning.count).dropLast(Self.ending.count))
    }.sorted()
  }

  private static let beginning = "step-"
  private static let ending = ".safetensors"
  private static let bestName = "best" + ending

  private static func name(_ step: Int) -> String {
    let digits = String(step)
    return beginning + String(repeating: "0", count: max(0, 12 - digits.count)) + digits + ending
  }

  private func full(_ name: String) -> String { path + "/" + name }

  private func names() throws(FirnError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    } catch {
      throw FirnError(
        .file, "cannot read the folder '\(path)': \(error.localizedDescription)",
        remedy: "check the path and its permissions")
    }
  }

  /// What cannot be removed stays: more is kept than was asked for, nothing is lost.
  private func remove(_ name: String) { try? FileManager.default.removeItem(atPath: full(name)) }
}
