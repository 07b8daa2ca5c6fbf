internal import FirnNotation

/// A number by which a model is judged, and its name.
public struct MetricValue: Hashable, Sendable, Codable {
  /// As it stands in histories: `accuracy`, `recall/2`.
  public var name: String
  /// The number; NaN where it is not defined.
  public var value: Double

  /// A named number.
  public init(_ name: String, _ value: Double) {
    self.name = name
    self.value = value
  }
}

extension MetricValue: CustomStringConvertible {
  /// `accuracy 0.9375`.
  public var description: String { "\(name) \(NumberFormat.fixed(value, digits: 4))" }
}
