public import FirnGraph
public import FirnRuntime

/// The loop around a training program.
public struct Trainer {
  private let session: Session
  private let program: Program

  /// What is known after a step.
  public struct Progress: Sendable {
    public let step: Int
    public let stepCount: Int
    public let epoch: Int
    public let loss: Double
  }

  public init(_ program: Program, in session: Session) {
    self.session = session
    self.program = program
  }

  /// Trains for whole epochs.
  ///
  /// - Parameters:
  ///   - seed: decides the order of examples.
  ///   - report: called after every step.
  /// - Returns: the loss of every step, as it was before the step's update.
  @discardableResult
  public func fit(
    _ data: DataSet, epochs: Int, batchSize: Int, seed: UInt64 = 0, report: (Progress) -> Void = { _ in }
  ) throws(FirnError) -> [Double] {
    guard let loss = program.fetches.last, !program.trained.isEmpty else {
      throw FirnError(
        .invalidArgument, "the program trains nothing", remedy: "compile it with `minimizing:`")
    }
    guard epochs >= 0, batchSize > 0 else {
      throw FirnError(
        .invalidArgument, "\(epochs) epochs in batches of \(batchSize)", remedy: "give a positive batch size")
    }
    let stepCount = epochs * ((data.count + batchSize - 1) / batchSize)
    var losses: [Double] = []
    losses.reserveCapacity(stepCount)
    for epoch in 0..<epochs {
      for batch in data.batches(of: batchSize, epoch: epoch, seed: seed) {
        let value = try session.run(program, feeding: data.feeds(batch)).scalar(loss)
        losses.append(value)
        report(Progress(step: losses.count, stepCount: stepCount, epoch: epoch, loss: value))
      }
    }
    return losses
  }
}
