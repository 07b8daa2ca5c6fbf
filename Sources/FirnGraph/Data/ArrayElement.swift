/// A Swift type an `NDArray` can hold.
public protocol ArrayElement: BitwiseCopyable, Sendable {
  /// What arrays of this type hold.
  static var dtype: DType { get }
  /// The value converted; for integers truncated towards zero, out of range to the nearest bound, NaN to 0.
  init(exactlyOrRounded value: Double)
  /// The value as a number; 0 and 1 for truth values.
  var asDouble: Double { get }
}

extension Float: ArrayElement {
  /// A `Float` is an `f32`.
  public static var dtype: DType { .f32 }
  /// The nearest `Float`, ties to even; infinite beyond its range.
  public init(exactlyOrRounded value: Double) { self.init(value) }
  /// The same number.
  public var asDouble: Double { Double(self) }
}

extension Double: ArrayElement {
  /// A `Double` is an `f64`.
  public static var dtype: DType { .f64 }
  /// The value itself.
  public init(exactlyOrRounded value: Double) { self = value }
  /// The value itself.
  public var asDouble: Double { self }
}

extension Int32: ArrayElement {
  /// An `Int32` is an `i32`.
  public static var dtype: DType { .i32 }
  /// The value truncated towards zero, out of range the nearest bound, for NaN 0.
  public init(exactlyOrRounded value: Double) {
    if value.isNaN {
      self = 0
    } else {
      self = Int32(Swift.min(Swift.max(value, Double(Int32.min)), Double(Int32.max)))
    }
  }
  /// The same number.
  public var asDouble: Double { Double(self) }
}

extension Bool: ArrayElement {
  /// A `Bool` is one byte, 0 or 1.
  public static var dtype: DType { .bool }
  /// True for all but 0; so for NaN.
  public init(exactlyOrRounded value: Double) { self = value != 0 }
  /// 1 for true, 0 for false.
  public var asDouble: Double { self ? 1 : 0 }
}
