public import FirnGraph
import FirnRuntime

/// The short form of ``Trainer/train(on:epochs:from:upTo:savingTo:every:)`` for a data set.
extension Trainer {
  /// What is known after a step.
  public struct Progress: Sendable {
    /// Steps done, this one included, counted from the very first of the run.
    public let step: Int
    /// What ``step`` will be at the end.
    public let stepCount: Int
    /// The epoch this step belonged to, from 0.
    public let epoch: Int
    /// The loss of this step's batch, as it was before the step's update.
    public let loss: Double
    /// Where the data is after this step.
    public let position: DataPosition
  }

  /// Trains on a data set in batches, shuffled anew every epoch.
  ///
  /// All that the trainer is told to do beside the steps it does here too: validation, early stopping, the guard,
  /// callbacks, stages. A batch is fed by the names of the data set's columns; its loss is the program's last fetch, a
  /// scalar. The last batch of an epoch may be smaller: a model whose batch is a named dimension takes it as it comes.
  ///
  /// Where the session belongs to a world, each member runs its part of every batch, as
  /// ``DataSet/batches(of:epoch:seed:rank:of:)`` says; the batch size is that of all together, losses are those of
  /// whole batches, and the first member alone reports and writes checkpoints. All members call it alike, and run
  /// `metric`.
  ///
  /// - Parameters:
  ///   - data: a column for each placeholder the loss needs.
  ///   - epochs: passes over the data in all, those before `start` included; not negative.
  ///   - batchSize: examples in a batch, positive.
  ///   - seed: decides the order of examples.
  ///   - start: where an earlier run stopped, as its checkpoint says; its steps are not repeated. Epochs before it are not
  ///     known here: early stopping, plateaus and history begin anew, and stages cannot go on. `train(on:from:)` takes
  ///     the whole checkpoint.
  ///   - lastStep: where to stop, counted from the very first step, if the epochs are not over by then.
  ///   - caching: what is computed once for each example; by default what the trainer is told. Changes no bit of what is
  ///     trained.
  ///   - folder: where checkpoints go, if anywhere.
  ///   - interval: steps from one checkpoint to the next, 100 by default; each epoch's last step has one in any case,
  ///     and so has the last step of all.
  ///   - report: called after every step, and after its checkpoint; by rank 0 alone.
  ///   - metric: called before every checkpoint; its value, lower is better, decides which is kept as the best, and not
  ///     the trainer's monitor. Needs a folder.
  /// - Returns: the loss of every step done here, as it was before the step's update.
  /// - Throws: what a step, a checkpoint or `metric` throws; `.notFinite` where the guard stops it; `.invalidArgument`
  ///   where the program trains nothing, where there is nothing to cache or it takes more than is allowed, where a count
  ///   is not as said, `metric` is given without `savingTo`, or `start` is of another order, size or number of batches,
  ///   or of a run with stages.
  @discardableResult
  public func fit(
    _ data: DataSet, epochs: Int, batchSize: Int, seed: UInt64 = 0, from start: DataPosition? = nil,
    upTo lastStep: Int = .max, caching: Caching? = nil,
    savingTo folder: CheckpointFolder? = nil, every interval: Int = 100,
    report: (Progress) -> Void = { _ in }, metric: (() throws(FirnError) -> Double)? = nil
  ) throws(FirnError) -> [Double] {
    guard epochs >= 0, batchSize > 0 else {
      throw FirnError(
        .invalidArgument, "\(epochs) epochs in batches of \(batchSize)", remedy: "give a positive batch size")
    }
    guard metric == nil || folder != nil else {
      throw FirnError(
        .invalidArgument, "`metric` tells checkpoints apart, and none are made",
        remedy: "give `savingTo:` too, or leave `metric:` out")
    }
    var position = start ?? DataPosition(seed: seed, batchSize: batchSize)
    let batchCount = data.batchCount(of: batchSize)
    guard position.seed == seed, position.batchSize == batchSize else {
      throw FirnError(
        .invalidArgument,
        "the run stopped in batches of \(position.batchSize) by seed \(position.seed), this one has batches of \(batchSize) by seed \(seed)",
        remedy: "go on with the same batches, or start anew without `from:`")
    }
    guard position.epoch >= 0, position.batch >= 0, position.step >= 0 else {
      throw FirnError(
        .invalidArgument, "no run stopped at \(position)", remedy: "give the position of a checkpoint")
    }
    guard position.count ?? data.count == data.count, position.batch < max(1, batchCount) else {
      throw FirnError(
        .invalidArgument,
        "the run stopped after \(position.batch) batches of \(position.count.map { "\($0)" } ?? "more") examples, this data set has \(data.count) in \(batchCount) batches",
        remedy: "go on with the same data, or start anew without `from:`")
    }
    // What the stage before left of optimisers' memory is in the checkpoint, not in a place in the data.
    guard position.step == 0 || stages.schedule.stages.count == 1 else {
      throw FirnError(
        .invalidArgument, "a run with stages cannot go on from a place in the data alone",
        remedy: "give its checkpoint to `train(on:epochs:from:)`")
    }
    position.count = data.count
    let (steps, overflow) = epochs.multipliedReportingOverflow(by: batchCount)
    let stepCount = min(overflow ? .max : steps, lastStep)
    var trainer = self
    trainer.caching = caching ?? self.caching
    let loop = try TrainingLoop(
      trainer, source: data.inBatches(of: batchSize, seed: seed), epochs: epochs, lastStep: lastStep,
      folder: folder, interval: interval)
    if data.count == 0 { return [] }
    loop.position = position
    loop.metric = metric
    return try withoutActuallyEscaping(report) { report throws(FirnError) -> [Double] in
      loop.settled = { step in
        report(
          Progress(
            step: step.step, stepCount: stepCount, epoch: step.epoch, loss: step.loss, position: step.position
          ))
      }
      defer { loop.settled = nil }
      return try loop.start().losses
    }
  }
}
