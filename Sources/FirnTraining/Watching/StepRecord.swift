/// What is known after a step.
public struct StepRecord: Hashable, Sendable {
  /// Steps done, this one included, counted from the very first.
  public let step: Int
  /// The epoch it belonged to, from 0.
  public let epoch: Int
  /// The number of the stage that trains; 0 where there is one.
  public let stage: Int
  /// The loss of its batch, as it was before the update.
  public let loss: Double
  /// Examples in its batch.
  public let exampleCount: Int
  /// Where the data is after it.
  public let position: DataPosition
}
