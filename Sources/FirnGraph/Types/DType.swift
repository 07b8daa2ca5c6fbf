/// The type of a tensor's elements.
public enum DType: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// IEEE 754 binary32: the type models are trained in.
  case f32
  /// IEEE 754 binary64: the reference every `f32` kernel is checked against.
  case f64
  /// Signed 32-bit integers: labels, indices, counters.
  case i32
  /// One byte an element, 0 or 1.
  case bool

  /// Bytes one element occupies.
  public var byteCount: Int {
    switch self {
    case .f32, .i32: 4
    case .f64: 8
    case .bool: 1
    }
  }

  /// Whether gradients can flow through values of this type.
  public var isFloatingPoint: Bool { self == .f32 || self == .f64 }

  /// Its name in graph text: `f32`.
  public var description: String { rawValue }
}
