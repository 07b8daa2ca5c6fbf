/// A Swift type an `NDArray` can hold.
public protocol ArrayElement: BitwiseCopyable, Sendable {
  static var dtype: DType { get }
  /// The value converted; for integers truncated towards zero, out of range to the nearest bound, NaN to 0.
  init(exactlyOrRounded value: Double)
  var asDouble: Double { get }
}

extension Float: ArrayElement {
  public static var dtype: DType { .f32 }
  public init(exactlyOrRounded value: Double) { self.init(value) }
  public var asDouble: Double { Double(self) }
}

extension Double: ArrayElement {
  public static var dtype: DType { .f64 }
  public init(exactlyOrRounded value: Double) { self = value }
  public var asDouble: Double { self }
}

extension Int32: ArrayElement {
  public static var dtype: DType { .i32 }
  public init(exactlyOrRounded value: Double) {
    if value.isNaN {
      self = 0
    } else {
      self = Int32(Swift.min(Swift.max(value, Double(Int32.min)), Double(Int32.max)))
    }
  }
  public var asDouble: Double { Double(self) }
}

extension Bool: ArrayElement {
  public static var dtype: DType { .bool }
  public init(exactlyOrRounded value: Double) { self = value != 0 }
  public var asDouble: Double { self ? 1 : 0 }
}
