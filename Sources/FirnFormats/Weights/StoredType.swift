public import FirnGraph

/// The type of a tensor's elements in a file, by its common name.
///
/// | stored | in Firn |
/// | --- | --- |
/// | `f64`, `f32`, `i32`, `bool` | the same |
/// | `f16`, `bf16` | `f32`, exactly |
/// | `i8`, `u8`, `i16`, `u16` | `i32`, exactly |
/// | `i64`, `u32`, `u64` | `i32` where every element fits, else refused |
/// | all others | refused by name |
public enum StoredType: String, Hashable, Sendable, Codable, CaseIterable {
  /// IEEE 754's binary64, binary32 and binary16, and bfloat16: the upper half of a binary32.
  case f64, f32, f16, bf16
  /// Signed integers of so many bits.
  case i64, i32, i16, i8
  /// Unsigned integers of so many bits.
  case u64, u32, u16, u8
  /// A byte, 0 or 1.
  case bool
  /// Two floats, real and imaginary part, of 32 or of 64 bits each.
  case complex64, complex128
  /// Floats of one byte, by the bits of exponent and mantissa; `fnuz` has no infinity and no negative zero.
  case f8e4m3, f8e5m2, f8e8m0, f8e4m3fnuz, f8e5m2fnuz
  /// Floats of 6 and of 4 bits, packed.
  case f6e2m3, f6e3m2, f4

  /// What an element takes in a file; less than a byte for the smallest.
  public var bitCount: Int {
    switch self {
    case .complex128: 128
    case .f64, .i64, .u64, .complex64: 64
    case .f32, .i32, .u32: 32
    case .f16, .bf16, .i16, .u16: 16
    case .i8, .u8, .bool, .f8e4m3, .f8e5m2, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz: 8
    case .f6e2m3, .f6e3m2: 6
    case .f4: 4
    }
  }

  /// What an array read from it has; nil where Firn has no such numbers.
  public var dtype: DType? {
    switch self {
    case .f64: .f64
    case .f32, .f16, .bf16: .f32
    case .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8: .i32
    case .bool: .bool
    case .complex64, .complex128, .f8e4m3, .f8e5m2, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .f6e2m3, .f6e3m2, .f4:
      nil
    }
  }

  /// How it is stored when written by Firn.
  public init(_ dtype: DType) {
    self =
      switch dtype {
      case .f32: .f32
      case .f64: .f64
      case .i32: .i32
      case .bool: .bool
      }
  }
}
