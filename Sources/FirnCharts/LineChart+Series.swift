extension LineChart {
  /// A curve and its name.
  public struct Series: Sendable, Hashable {
    /// What the curve shows, as it stands beside its end.
    public var name: String
    /// The points, joined in this order.
    public var points: [Point]

    /// Creates a curve.
    public init(_ name: String, points: [Point]) {
      self.name = name
      self.points = points
    }

    /// Creates a curve of values that lie at 0, 1, 2 and so on.
    public init(_ name: String, values: [Double]) {
      self.init(name, points: values.enumerated().map { Point(Double($0.offset), $0.element) })
    }
  }

  /// A place in the coordinates of the axes.
  public struct Point: Sendable, Hashable {
    /// The horizontal coordinate.
    public var x: Double
    /// The vertical coordinate.
    public var y: Double

    /// Creates a point.
    public init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }
}
