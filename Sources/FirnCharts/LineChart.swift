/// Curves over a common axis, drawn as an SVG picture that stands by itself.
///
/// ```swift
/// var chart = LineChart(title: "Loss", xLabel: "step", yLabel: "cross-entropy", logarithmicY: true)
/// chart.series.append(LineChart.Series("all trained", values: losses))
/// let picture = chart.svg()
/// ```
///
/// Points that are not finite, or not positive on a logarithmic axis, are gaps in their curve.
public struct LineChart: Sendable, Hashable {
  /// What the chart shows, above it.
  public var title: String
  /// The quantity and unit of the horizontal axis.
  public var xLabel: String
  /// The quantity and unit of the vertical axis.
  public var yLabel: String
  /// The curves, in the order in which they get their colours and dashes.
  public var series: [Series]
  /// Whether equal ratios of y have equal heights.
  public var logarithmicY: Bool

  /// Creates a chart.
  public init(
    title: String, xLabel: String, yLabel: String, series: [Series] = [], logarithmicY: Bool = false
  ) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.series = series
    self.logarithmicY = logarithmicY
  }
}
