/// What a run is judged by after every epoch.
public struct Validation {
  /// The data, all of whose batches are run in inference mode.
  public var source: any BatchSource
  /// What is measured besides the loss.
  public var metrics: [Metric]
  /// Averages that the training program keeps, under which to measure; nil for the variables themselves.
  public var averages: String?

  /// - Parameters:
  ///   - source: examples that are not trained on.
  ///   - metrics: besides the loss, which is called `loss`.
  ///   - averages: by which name the training program keeps averages, to be read in the place of variables.
  public init(_ source: any BatchSource, metrics: [Metric] = [], underAverages averages: String? = nil) {
    self.source = source
    self.metrics = metrics
    self.averages = averages
  }
}
