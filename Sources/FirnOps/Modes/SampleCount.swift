package import FirnGraph

/// How many values a batch statistic is of, as a scalar; at least two.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | count | `dtype`, scalar | how many there are of all members of a world together; absent where the dimension says |
///
/// The result is `dtype`[]. C1: `dtype` is not `bool`, and the count's. Only a program that computes the statistic asks
/// how many there are, and when they are fed: a run fails for less than two, of which each is its own mean.
///
/// - Complexity: one store.
package struct SampleCount: KernelOp, OpaqueOp {
  package var dimension: Dim
  package var dtype: DType

  package init(_ dimension: Dim, dtype: DType) {
    self.dimension = dimension
    self.dtype = dtype
  }

  package static let mnemonics = ["sample_count"]
  package var mnemonic: String { "sample_count" }
  package var attributes: Attributes { ["dimension": .extent(dimension), "dtype": .dtype(dtype)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    dimension = try attributes.dimension("dimension")
    dtype = try attributes.dtype("dtype")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    let result = try Extent(dimension, dtype: dtype).resultTypes(of: [])
    try operands.require(operands.isEmpty ? 0 : 1)
    if let count = operands.first {
      try require(
        count == result[0], "C1", .typeMismatch, "the count is \(count), not \(result[0])",
        remedy: "give one number of the element type")
    }
    return result
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { context.operands.map { _ in nil } }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var aliasing: Aliasing { .none }
  package var canFail: Bool { true }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    if !operands.isEmpty {
      return switch dtype {
      case .f64: Self.kernel(Double.self, Double.init(_:))
      case .i32: Self.kernel(Int32.self, Double.init(_:))
      case .f32, .bool: Self.kernel(Float.self, Double.init(_:))
      }
    }
    if let number = dimension.value, number < 2 {
      return Kernel { (_: borrowing KernelCall) throws(FirnError) in throw Self.error(Double(number)) }
    }
    return Extent(dimension, dtype: dtype).kernel(operands: operands, results: results)
  }

  private static func kernel<T: Sendable>(
    _: T.Type, _ number: @escaping @Sendable (T) -> Double
  ) -> Kernel {
    Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let count = call.operand(0, as: T.self)[0]
      guard number(count) >= 2 else { throw Self.error(number(count)) }
      call.result(as: T.self)[0] = count
    }
  }

  private static func error(_ number: Double) -> FirnError {
    let text = Int(exactly: number).map { "\($0)" } ?? "\(number)"
    return FirnError(
      .invalidArgument,
      "a statistic of \(text) value\(number == 1 ? "" : "s") in training mode",
      remedy: "feed two examples or more, or freeze the scope: it then runs in inference mode")
  }
}

extension Graph {
  /// How many values a statistic over `dimension` is of, as a scalar; less than two fail the run that asks.
  ///
  /// - Parameter count: how many there are instead, where what is fed here is a part of them.
  package func sampleCount(
    _ dimension: Dim, dtype: DType, of count: Tensor? = nil, location: CallSite? = nil
  ) -> Tensor {
    append(SampleCount(dimension, dtype: dtype), count.map { [$0] } ?? [], location: location)[0]
  }
}
