/// What is known after an epoch.
public struct EpochRecord: Hashable, Sendable, Codable {
  /// Its number, from 0.
  public var epoch: Int
  /// Steps done when it was over, counted from the very first.
  public var step: Int
  /// The number of the stage that trained last in it; 0 where there is one.
  public var stage: Int
  /// The mean of the losses of its steps, each weighted by its examples, as they were before the steps' updates.
  public var trainingLoss: Double
  /// What the validation measured after it; empty where there is none.
  public var validation: [MetricValue]
  /// What the plateau rule has left of the learning rate; 1 where there is no such rule.
  public var rateFactor: Double
  /// How long it took, in seconds, validation included.
  public var seconds: Double

  /// What the loss of training is called among the numbers of an epoch.
  static let trainingLossName = "training loss"

  /// The number of this name: `training loss`, or one of the validation; nil where none has it.
  public subscript(name: String) -> Double? {
    name == Self.trainingLossName ? trainingLoss : validation.first { $0.name == name }?.value
  }
}
