public import FirnGraph

/// A count of bytes or operations: a number, or a polynomial in named dimensions.
///
/// JSON holds a number where it is one, else the polynomial's text.
public struct Quantity: Hashable, Sendable, Codable, CustomStringConvertible, ExpressibleByIntegerLiteral {
  /// The polynomial.
  public var dimension: Dim

  /// A count that may depend on named dimensions.
  public init(_ dimension: Dim) { self.dimension = dimension }

  /// A known count.
  public init(integerLiteral value: Int) { dimension = Dim(value) }

  /// The number, or nil while it depends on a named dimension.
  public var value: Int? { dimension.value }

  /// The count with every name of `binding` replaced by its number; other names stay.
  public func bound(by binding: DimBinding) -> Quantity { Quantity(dimension.bound(by: binding)) }

  /// The number, or the polynomial without spaces: `64*batch*time`; units stand where it is used.
  public var description: String { dimension.description }

  /// The sum.
  public static func + (a: Quantity, b: Quantity) -> Quantity { Quantity(a.dimension + b.dimension) }
  /// The difference; below 0 where more is taken away.
  public static func - (a: Quantity, b: Quantity) -> Quantity { Quantity(a.dimension - b.dimension) }
  /// Adds to a count.
  public static func += (a: inout Quantity, b: Quantity) { a = a + b }

  /// Reads a number or a polynomial's text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int.self) {
      dimension = Dim(number)
      return
    }
    let text = try container.decode(String.self)
    guard let dimension = Dim(parsing: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "`\(text)` is no dimension")
    }
    self.dimension = dimension
  }

  /// Writes a number, or the polynomial's text where it depends on a name.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let value { try container.encode(value) } else { try container.encode(description) }
  }
}
