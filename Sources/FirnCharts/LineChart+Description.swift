extension LineChart: CustomStringConvertible {
  /// Title, axes and curves in one line: `Loss, cross-entropy by step: all trained (300 points)`.
  public var description: String {
    let curves = series.map { "\($0.name) (\($0.points.count) point\($0.points.count == 1 ? "" : "s"))" }
    return "\(title), \(yLabel) by \(xLabel)\(logarithmicY ? ", logarithmic" : ""): "
      + (curves.isEmpty ? "no curves" : curves.joined(separator: ", "))
  }
}
