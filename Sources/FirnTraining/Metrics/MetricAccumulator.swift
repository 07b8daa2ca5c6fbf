public import FirnGraph

/// What a metric keeps while batches go by.
///
/// It adds up what a mean over all examples needs, so that a last batch that is smaller changes nothing.
public protocol MetricAccumulator {
  /// Takes a batch in.
  ///
  /// - Parameters:
  ///   - arrays: the values of what the metric fetches, in its order.
  ///   - count: how many examples the batch holds.
  /// - Throws: where the arrays are not of the form the metric is for, or a label is no class.
  mutating func add(_ arrays: [NDArray], count: Int) throws(FirnError)

  /// What came of it so far: a number, or several, each with the end of its name (`""` where it has the metric's own).
  ///
  /// NaN where it is not defined, as a mean of nothing.
  var values: [MetricValue] { get }
}
