/// A smaller type in which a program may hold frozen kernels, besides the `f32` they are trained and saved in.
///
/// A kernel that is held so is rounded once, when it is bound, and widened to `f32` where it is multiplied: what is
/// multiplied, forward and backward, is the rounded kernel. Variables keep their `f32` values.
public enum FrozenStorage: Hashable, Sendable {
  /// Two bytes: 8 bits of exponent, 7 of fraction. The range of `f32`; rounded to nearest even, at most 2⁻⁸ of a number
  /// off. NaN and infinities are kept.
  case bfloat16
  /// Two bytes, IEEE 754 binary16: 5 bits of exponent, 10 of fraction. Rounded to nearest even, at most 2⁻¹¹ of a number
  /// off from 6.1 · 10⁻⁵ to 65,504; what rounds to more becomes infinite. NaN and infinities are kept.
  case float16
  /// One byte: whole numbers of -127...127 times a scale, rounded to nearest even.
  ///
  /// Numbers are at most 1/254 of the largest magnitude under their scale off. A scale that would be below the least
  /// normal number, as of zeros, is 0, and so are its numbers; where a number is not finite all under its scale are NaN.
  case int8(Scaling)

  /// Which numbers of a kernel have a scale in common.
  public enum Scaling: Hashable, Sendable {
    /// Those of an output channel: a column of a product's right operand, a feature of a convolution. The scale is the
    /// largest magnitude among them, divided by 127.
    case perChannel
  }
}

extension FrozenStorage: CaseIterable {
  /// In the order of bytes, the wider range first.
  public static let allCases: [FrozenStorage] = [.bfloat16, .float16, .int8(.perChannel)]
}

extension FrozenStorage: LosslessStringConvertible {
  /// Its name in text and on the command line: `bfloat16`, `float16`, `int8`.
  public var description: String {
    switch self {
    case .bfloat16: "bfloat16"
    case .float16: "float16"
    case .int8: "int8"
    }
  }

  /// The type of that name; nil for other texts.
  public init?(_ description: String) {
    guard let known = Self.allCases.first(where: { $0.description == description }) else { return nil }
    self = known
  }
}

extension FrozenStorage: Codable {
  /// Reads its name.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let known = Self(name) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "`\(name)` is no type that kernels are stored in")
    }
    self = known
  }

  /// Writes its name.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension FrozenStorage {
  /// Bytes of one number, without scales.
  package var byteCount: Int {
    switch self {
    case .bfloat16, .float16: 2
    case .int8: 1
    }
  }

  /// Whether numbers have scales beside them.
  package var isScaled: Bool { if case .int8 = self { true } else { false } }
}
