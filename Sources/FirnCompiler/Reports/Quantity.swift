public import FirnGraph

/// A count of bytes or operations: a number, or a polynomial in named dimensions.
///
/// JSON holds a number where it is one, else the polynomial's text.
public struct Quantity: Hashable, Sendable, Codable, CustomStringConvertible, ExpressibleByIntegerLiteral {
  public var dimension: Dim

  public init(_ dimension: Dim) { self.dimension = dimension }

  public init(integerLiteral value: Int) { dimension = Dim(value) }

  /// The number, or nil while it depends on a named dimension.
  public var value: Int? { dimension.value }

  public func bound(by binding: DimBinding) -> Quantity { Quantity(dimension.bound(by: binding)) }

  public var description: String { dimension.description }

  public static func + (a: Quantity, b: Quantity) -> Quantity { Quantity(a.dimension + b.dimension) }
  public static func - (a: Quantity, b: Quantity) -> Quantity { Quantity(a.dimension - b.dimension) }
  public static func += (a: inout Quantity, b: Quantity) { a = a + b }

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

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let value { try container.encode(value) } else { try container.encode(description) }
  }
}
