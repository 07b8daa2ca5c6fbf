public import FirnGraph
import FirnRuntime

/// The plain loop: epochs, batches, checkpoints, and nothing else.
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

  /// Trains for whole epochs.
  ///
  /// A batch is fed by the names of the data set's columns; its loss is the program's last fetch, a scalar. The last
  /// batch of an epoch may be smaller: a model whose batch is a named dimension takes it as it comes.
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
  ///   - start: where an earlier run stopped, as its checkpoint says; its steps are not repeated.
  ///   - lastStep: where to stop, counted from the very first step, if the epochs are not over by then.
  ///   - caching: what is computed once for each example; by default nothing. Changes no bit of what is trained.
  ///   - folder: where checkpoints go, if anywhere.
  ///   - interval: steps from one checkpoint to the next; the last step has one in any case. 100 by default.
  ///   - report: called after every step, and after its checkpoint; by rank 0 alone.
  ///   - metric: called before every checkpoint; its value, lower is better, decides which is kept as the best. Needs a
  ///     folder.
  /// - Returns: the loss of every step done here, as it was before the step's update.
  /// - Throws: what a step, a checkpoint or `metric` throws; `.invalidArgument` where the program trains nothing,
  ///   where there is nothing to cache or it takes more than is allowed, where a count is not as said, `metric` is
  ///   given without `savingTo`, or `start` is of another order, size or number of batches.
  @discardableResult
  public func fit(
    _ data: DataSet, epochs: Int, batchSize: Int, seed: UInt64 = 0, from start: DataPosition? = nil,
    upTo lastStep: Int = .max, caching: Caching? = nil,
    savingTo folder: CheckpointFolder? = nil, every interval: Int = 100,
    report: (Progress) -> Void = { _ in }, metric: (() throws(FirnError) -> Double)? = nil
  ) throws(FirnError) -> [Double] {
    guard let loss = program.fetches.last, !program.trained.isEmpty else {
      throw FirnError(
        .invalidArgument, "the program trains nothing", remedy: "compile it with `minimizing:`")
    }
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
    position.count = data.count
    let (steps, overflow) = epochs.multipliedReportingOverflow(by: batchCount)
    let stepCount = min(overflow ? .max : steps, lastStep)
    let features = try caching?.features(of: program, over: data, in: session)
    var losses: [Double] = []
    while position.epoch < epochs, position.step < stepCount {
      let batches = data.batches(of: batchSize, epoch: position.epoch, seed: seed)
      for batch in batches.dropFirst(position.batch) where position.step < stepCount {
        let value = try run(batch, number: position.batch, of: batchSize, data, features).scalar(loss)
        losses.append(value)
        let epoch = position.epoch
        position.step += 1
        position.batch += 1
        if position.batch >= batches.count { (position.epoch, position.batch) = (epoch + 1, 0) }
        if let folder, position.step % max(1, interval) == 0 || position.step == stepCount {
          try save(to: folder, at: position, metric)
        }
        guard isReporter else { continue }
        report(
          Progress(
            step: position.step, stepCount: stepCount, epoch: epoch, loss: value, position: position))
      }
      if batches.isEmpty { break }
    }
    return losses
  }
}
