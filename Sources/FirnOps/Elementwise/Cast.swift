public import FirnGraph

/// The same values as another element type.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | any | the result has its shape |
///
/// To `i32` truncates, out of range gives the nearest bound and NaN gives 0; to `bool` is whether it is not 0. Gradients
/// pass between floating point types only.
///
/// - Complexity: one pass, no FLOPs.
package struct Cast: KernelOp {
  package var dtype: DType

  package init(to dtype: DType) { self.dtype = dtype }

  package static let mnemonics = ["cast"]
  package var mnemonic: String { "cast" }
  package var attributes: Attributes { ["dtype": .dtype(dtype)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    dtype = try attributes.dtype("dtype")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    return [TensorType(dtype, operands[0].shape)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    dtype.isFloatingPoint ? .passes : .notDifferentiable
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let x = context.operands[0]
    return context.adjoints({
      x.dtype == dtype ? context.cotangent : context.cotangent.applying(Cast(to: x.dtype))
    })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dimension { 0 }
  package var aliasing: Aliasing { .inPlace([0]) }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let count = operands[0].elementCount
    return switch operands[0].dtype {
    case .f32: kernel(count, Float.self) { Double($0) }
    case .f64: kernel(count, Double.self) { $0 }
    case .i32: kernel(count, Int32.self) { Double($0) }
    case .bool: kernel(count, UInt8.self) { Double($0) }
    }
  }

  /// By way of `Double`, which holds every `f32` and `i32`.
  private func kernel<T: Sendable>(
    _ count: Int, _: T.Type, _ read: @escaping @Sendable (T) -> Double
  ) -> Kernel {
    switch dtype {
    case .f32: Self.kernel(count) { Float(read($0)) }
    case .f64: Self.kernel(count) { read($0) }
    case .i32: Self.kernel(count) { Int32(exactlyOrRounded: read($0)) }
    case .bool: Self.kernel(count) { UInt8(read($0) == 0 ? 0 : 1) }
    }
  }

  private static func kernel<T: Sendable, R: Sendable>(
    _ count: Int, _ convert: @escaping @Sendable (T) -> R
  ) -> Kernel {
    Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: T.self)
      let y = call.result(as: R.self)
      call.inPieces(count) { start, n in mapEach(x, y, start, n, convert) }
    }
  }
}

extension Tensor {
  /// The same values as `dtype`; itself where it has that type.
  ///
  /// To `i32` truncates; to `bool` is whether it is not 0. Gradients pass between floating point types only.
  public func cast(to dtype: DType, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    isPoisoned || self.dtype == dtype
      ? self : applying(Cast(to: dtype), location: SourceLocation(file, line))
  }
}
