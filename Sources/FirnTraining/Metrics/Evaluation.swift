import FirnGraph
internal import FirnNotation

/// What was measured over a data set.
public struct Evaluation: Hashable, Sendable {
  /// The numbers, in the order of the metrics.
  public let values: [MetricValue]
  /// The confusion matrix, where one was asked for; of several the first.
  public let confusionMatrix: ConfusionMatrix?
  /// How many examples there were.
  public let exampleCount: Int

  init(_ parts: [(metric: Metric, accumulator: any MetricAccumulator)], exampleCount: Int) {
    values = parts.flatMap { part in
      part.accumulator.values.map { value in
        MetricValue(
          value.name.isEmpty ? part.metric.name : part.metric.name + "/" + value.name, value.value)
      }
    }
    confusionMatrix = parts.lazy.compactMap { ($0.accumulator as? ConfusionAccumulator)?.matrix }.first
    self.exampleCount = exampleCount
  }

  /// The number of this name; nil where none has it.
  public subscript(name: String) -> Double? { values.first { $0.name == name }?.value }
}

extension Evaluation: CustomStringConvertible {
  /// In one line: `loss 0.3412, accuracy 0.9040 (250 examples)`.
  public var description: String {
    values.map(\.description).joined(separator: ", ") + " (\(NumberFormat.count(exampleCount)) examples)"
  }
}
