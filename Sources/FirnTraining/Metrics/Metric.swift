public import FirnGraph

/// What is measured of a model over a whole data set: what a run has to return for it, and how that is added up.
public struct Metric {
  /// As it stands in histories.
  public let name: String
  /// The tensors whose values it is made of; labels, which are fed, may be among them.
  public let fetches: [any TensorReference]
  /// Something that has seen nothing yet.
  public let makeAccumulator: () -> any MetricAccumulator

  /// A metric of one's own.
  ///
  /// - Parameters:
  ///   - fetches: what the accumulator is given of every batch, in this order.
  ///   - accumulator: makes one that has seen nothing yet.
  public init(
    _ name: String, fetching fetches: [any TensorReference],
    accumulator: @escaping () -> any MetricAccumulator
  ) {
    self.name = name
    self.fetches = fetches
    makeAccumulator = accumulator
  }
}

extension Metric: CustomStringConvertible {
  /// `accuracy of logits, labels`.
  public var description: String { "\(name) of " + fetches.map(\.tensorName).joined(separator: ", ") }
}
