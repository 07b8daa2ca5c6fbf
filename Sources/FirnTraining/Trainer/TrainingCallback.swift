public import FirnGraph

/// What is told of a run while it goes on, for logs and the like.
///
/// All have defaults that do nothing. What is thrown ends the run; the step it was told of is done. In a world those of rank
/// 0 are told, alone: what all members do together, as evaluating is, is not theirs to do.
public protocol TrainingCallback {
  /// The run begins, or goes on after a resumption.
  func began(_ run: TrainingRun) throws(FirnError)
  /// A step is done.
  func finished(_ step: StepRecord, in run: TrainingRun) throws(FirnError)
  /// An epoch is over and validated; its checkpoint is not yet written.
  func finished(_ epoch: EpochRecord, in run: TrainingRun) throws(FirnError)
  /// Another stage of a freeze schedule begins.
  func entered(_ stage: StageChange, in run: TrainingRun) throws(FirnError)
  /// A checkpoint is written.
  ///
  /// - Parameter path: of its file.
  func saved(_ path: String, at position: DataPosition, in run: TrainingRun) throws(FirnError)
  /// Gradients and updates of a step were measured.
  func measured(_ norms: NormReport, in run: TrainingRun) throws(FirnError)
  /// The run is over.
  func ended(_ outcome: TrainingOutcome, in run: TrainingRun) throws(FirnError)
}

extension TrainingCallback {
  /// Nothing.
  public func began(_ run: TrainingRun) throws(FirnError) {}
  /// Nothing.
  public func finished(_ step: StepRecord, in run: TrainingRun) throws(FirnError) {}
  /// Nothing.
  public func finished(_ epoch: EpochRecord, in run: TrainingRun) throws(FirnError) {}
  /// Nothing.
  public func entered(_ stage: StageChange, in run: TrainingRun) throws(FirnError) {}
  /// Nothing.
  public func saved(_ path: String, at position: DataPosition, in run: TrainingRun) throws(FirnError) {}
  /// Nothing.
  public func measured(_ norms: NormReport, in run: TrainingRun) throws(FirnError) {}
  /// Nothing.
  public func ended(_ outcome: TrainingOutcome, in run: TrainingRun) throws(FirnError) {}
}
