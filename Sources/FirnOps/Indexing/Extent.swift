public import FirnGraph

/// The number a dimension is bound to, as a scalar.
///
/// The result is `dtype`[]. What an expression divides by to average over a named dimension.
///
/// C1: `dtype` is not `bool`.
///
/// - Complexity: one store.
package struct Extent: KernelOp, SourceOp {
  package var dimension: Dim
  package var dtype: DType

  package init(_ dimension: Dim, dtype: DType) {
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

  package var canFail: Bool { false }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    guard let number = dimension.value else { firnBug("extent", "\(dimension) is not bound") }
    let type = results[0]
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      fill(call.result(as: UInt8.self), type, with: Double(number))
    }
  }
}

extension Graph {
  /// The number `dimension` is bound to when the graph runs, as a scalar.
  ///
  /// What to divide by to average over a batch of no fixed size: `x.sum() / graph.extent("batch")`.
  ///
  /// Constraints: (C1) `dtype` is not `bool`.
  ///
  /// - Parameters:
  ///   - dimension: a name, or an expression of names; a number gives a constant.
  ///   - dtype: the element type of the result.
  /// - Complexity: no FLOPs; one element written.
  public func extent(
    _ dimension: Dim, dtype: DType = .f32, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    if let number = dimension.value { return constant(Double(number), dtype: dtype) }
    return append(Extent(dimension, dtype: dtype), [], location: CallSite(file, line))[0]
  }
}
