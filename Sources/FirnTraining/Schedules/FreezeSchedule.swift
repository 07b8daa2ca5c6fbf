public import FirnNotation

/// What is frozen when: stages of one training run, each with a selection.
///
/// Gradual unfreezing begins with most of a model frozen and thaws it from the top (Howard & Ruder, ACL 2018, section
/// 3.3); progressive freezing begins with all of it trained and freezes it from the bottom (Brock et al., 2017).
public struct FreezeSchedule: Hashable, Sendable {
  /// When a stage begins, unless a later one has begun.
  public enum Start: Hashable, Sendable {
    /// With this epoch, counted from 0.
    case epoch(Int)
    /// Before the step that so many came before.
    case step(Int)
    /// With the epoch after `patience` epochs in a row of the stage before in which what is monitored got no better by
    /// more than `minimumDelta`.
    case plateau(patience: Int, minimumDelta: Double = 0)
  }

  /// A part of a run in which one program trains.
  public struct Stage: Hashable, Sendable {
    /// Its place among the stages, from 0.
    public let index: Int
    /// What is held fixed; nil for nothing more than what is declared so.
    public let freezing: Selection?
    /// When it begins.
    public let start: Start
  }

  /// In the order they are gone through; at least one.
  public let stages: [Stage]

  /// Stages of one's own: `FreezeSchedule([(.epoch(0), "encoder"), (.epoch(3), nil)])`.
  ///
  /// The first begins with the run, whatever its start says. Stages are gone through one by one: a later one begins
  /// when it is due and all before have begun; of several that are due at once only the last trains.
  ///
  /// - Parameter stages: an empty list is one stage with nothing frozen.
  public init(_ stages: [(start: Start, freezing: Selection?)]) {
    let stages = stages.isEmpty ? [(.epoch(0), nil)] : stages
    self.stages = stages.enumerated().map {
      Stage(index: $0.offset, freezing: $0.element.freezing, start: $0.element.start)
    }
  }

  /// Gradual unfreezing: the last group is trained first, then one more each time, down to the first.
  ///
  /// - Parameters:
  ///   - groups: parts of the model from the bottom, next to the data, to the top.
  ///   - epochs: how long each stage is; at least 1 is taken. The last one lasts as long as the run.
  public static func unfreezing(_ groups: [Selection], every epochs: Int = 1) -> FreezeSchedule {
    FreezeSchedule(
      groups.indices.map { stage in
        (.epoch(saturating(stage, max(1, epochs))), union(groups.dropLast(stage + 1)))
      })
  }

  /// Progressive freezing: all is trained first, then one group less each time, from the first; the last stays trained.
  ///
  /// - Parameters:
  ///   - groups: parts of the model from the bottom, next to the data, to the top.
  ///   - epochs: how long each stage is; at least 1 is taken. The last one lasts as long as the run.
  public static func freezing(_ groups: [Selection], every epochs: Int = 1) -> FreezeSchedule {
    FreezeSchedule(
      groups.indices.map { stage in
        (.epoch(saturating(stage, max(1, epochs))), union(groups.prefix(stage)))
      })
  }

  private static func union(_ groups: ArraySlice<Selection>) -> Selection? {
    groups.dropFirst().reduce(groups.first) { all, group in all.map { $0 | group } }
  }

  private static func saturating(_ stage: Int, _ epochs: Int) -> Int {
    let (product, overflow) = stage.multipliedReportingOverflow(by: epochs)
    return overflow ? .max : product
  }

  /// The number of the stage that is to train now.
  ///
  /// - Parameters:
  ///   - current: the one that trained before.
  ///   - stalled: for how many epochs what is monitored has got no better, by how much it has to: a function of the
  ///     least
  ///     difference that counts.
  func stage(after current: Int, epoch: Int, step: Int, isEpochStart: Bool, stalled: (Double) -> Int) -> Int {
    var stage = min(max(0, current), stages.count - 1)
    while stage + 1 < stages.count {
      switch stages[stage + 1].start {
      case .epoch(let first): guard epoch >= first else { return stage }
      case .step(let first): guard step >= first else { return stage }
      case .plateau(let patience, let delta):
        // A stage that has just begun has not stalled yet.
        guard isEpochStart, stage == current, stalled(delta) >= max(1, patience) else { return stage }
      }
      stage += 1
    }
    return stage
  }
}

extension FreezeSchedule: CustomStringConvertible {
  /// One line a stage: `epoch 3: freezing encoder`.
  public var description: String {
    stages.map { stage in
      let start =
        switch stage.start {
        case .epoch(let epoch): "epoch \(epoch)"
        case .step(let step): "step \(step)"
        case .plateau(let patience, _): "after \(patience) epochs without gain"
        }
      return "\(start): freezing \(stage.freezing?.description ?? "nothing more")"
    }.joined(separator: "\n")
  }
}
