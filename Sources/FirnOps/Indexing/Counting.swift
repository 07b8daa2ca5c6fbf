public import FirnGraph

/// The whole numbers from 0 on.
///
/// y[i] = i
///
/// The result is `i32`[extent]. C1: where it is a number, `extent` is not negative.
///
/// - Complexity: one pass, no FLOPs.
package struct Iota: KernelOp, SourceOp {
  package var extent: Dimension

  package init(_ extent: Dimension) { self.extent = extent }

  package static let mnemonics = ["iota"]
  package var mnemonic: String { "iota" }
  package var attributes: Attributes { ["extent": .extent(extent)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    extent = try attributes.dimension("extent")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(0)
    try require(
      (extent.value ?? 0) >= 0, "C1", .invalidArgument, "extent \(extent) is negative",
      remedy: "count up to 0 or more")
    return [TensorType(.i32, [extent])]
  }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let count = results[0].elementCount
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let y = call.result(as: Int32.self)
      for i in 0..<count { y[i] = Int32(truncatingIfNeeded: i) }
    }
  }
}

/// The number a dimension is bound to, as a scalar.
///
/// The result is `dtype`[]. What an expression divides by to average over a named dimension.
///
/// C1: `dtype` is not `bool`.
///
/// - Complexity: one store.
package struct Extent: KernelOp, SourceOp {
  package var dimension: Dimension
  package var dtype: DType

  package init(_ dimension: Dimension, dtype: DType) {
    self.dimension = dimension
    self.dtype = dtype
  }

  package static let mnemonics = ["extent"]
  package var mnemonic: String { "extent" }
  package var attributes: Attributes { ["dimension": .extent(dimension), "dtype": .dtype(dtype)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    dimension = try attributes.dimension("dimension")
    dtype = try attributes.dtype("dtype")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(0)
    try TensorType(dtype, .scalar).requireNumeric("result", "C1")
    return [TensorType(dtype, .scalar)]
  }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    guard let number = dimension.value else { firnBug("extent", "\(dimension) is not bound") }
    let type = results[0]
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      fill(call.result(as: UInt8.self), type, with: Double(number))
    }
  }
}

extension Graph {
  /// The whole numbers 0 ..< extent, `i32`.
  public func iota(_ extent: Dimension, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    append(Iota(extent), [], location: SourceLocation(file, line))[0]
  }

  /// The number `dimension` is bound to when the graph runs, as a scalar.
  public func extent(
    _ dimension: Dimension, dtype: DType = .f32, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    if let number = dimension.value { return constant(Double(number), dtype: dtype) }
    return append(Extent(dimension, dtype: dtype), [], location: SourceLocation(file, line))[0]
  }
}
