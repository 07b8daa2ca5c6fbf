/// What is known of a tensor before it is run: element type and shape.
///
/// Prints as `f32[batch,8]`.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
  /// The type of its elements.
  public var dtype: DType
  /// The extents of its axes.
  public var shape: Shape

  /// Elements of one type in a shape.
  public init(_ dtype: DType, _ shape: Shape) {
    self.dtype = dtype
    self.shape = shape
  }

  /// Bytes its elements occupy.
  public var byteCount: Dim { shape.elementCount * Dim(dtype.byteCount) }

  /// The type with every name of `binding` replaced by its number; other names stay.
  public func bound(by binding: DimBinding) -> TensorType {
    TensorType(dtype, shape.bound(by: binding))
  }

  /// As graph text has it: `f32[batch,8]`, `i32[]`.
  public var description: String { "\(dtype)\(shape)" }
}

/// A tensor type whose extents are all numbers: what a kernel is made for.
package struct ArrayType: Hashable, Sendable, CustomStringConvertible {
  package var dtype: DType
  package var shape: [Int]

  package init(_ dtype: DType, _ shape: [Int]) {
    self.dtype = dtype
    self.shape = shape
  }

  /// Nil while a dimension of `type` is unbound.
  package init?(_ type: TensorType) {
    guard let extents = type.shape.extents else { return nil }
    self.init(type.dtype, extents)
  }

  package var elementCount: Int { shape.elementCount }
  package var byteCount: Int { elementCount * dtype.byteCount }
  package var description: String { TensorType(dtype, Shape(shape)).description }
}
