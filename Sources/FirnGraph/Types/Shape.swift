/// The extents of a tensor's axes, outermost first; no axes is a scalar.
public struct Shape: Hashable, Sendable, RandomAccessCollection, MutableCollection {
  /// One extent an axis.
  public var dimensions: [Dim]

  /// Extents, some of which may be named.
  public init(_ dimensions: [Dim]) { self.dimensions = dimensions }

  /// Extents that are all numbers.
  public init(_ extents: [Int]) { dimensions = extents.map { Dim($0) } }

  /// No axes: a scalar.
  public static let scalar = Shape([Dim]())

  /// The outermost axis, 0.
  public var startIndex: Int { 0 }
  /// One past the innermost axis: the rank.
  public var endIndex: Int { dimensions.count }
  /// The extent of an axis, counted from the outermost.
  public subscript(axis: Int) -> Dim {
    get { dimensions[axis] }
    set { dimensions[axis] = newValue }
  }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The number of elements: the product of the extents.
  public var elementCount: Dim { dimensions.reduce(1) { $0 * $1 } }

  /// The extents as numbers, or nil while one depends on a named dimension.
  public var extents: [Int]? {
    let values = dimensions.compactMap(\.value)
    return values.count == rank ? values : nil
  }

  /// The shape with every name of `binding` replaced by its number; other names stay.
  public func bound(by binding: DimBinding) -> Shape {
    Shape(dimensions.map { $0.bound(by: binding) })
  }

  /// The shape with `axes` replaced by extents of one.
  package func keeping(reduced axes: [Int]) -> Shape {
    var result = self
    for axis in axes { result[axis] = 1 }
    return result
  }

  /// The shape without `axes`.
  package func removing(_ axes: [Int]) -> Shape {
    Shape(indices.filter { !axes.contains($0) }.map { dimensions[$0] })
  }
}

extension Shape: ExpressibleByArrayLiteral, CustomStringConvertible {
  /// Numbers and names: `["batch", 28, 28, 1]`.
  public init(arrayLiteral elements: Dim...) { dimensions = elements }

  /// Extents in brackets, without spaces: `[batch,8]`; `[]` for a scalar.
  public var description: String {
    "[" + dimensions.map(\.description).joined(separator: ",") + "]"
  }
}
