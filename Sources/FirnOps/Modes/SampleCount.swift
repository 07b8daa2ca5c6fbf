package import FirnGraph

/// How many values a batch statistic is of, as a scalar; at least two.
///
/// The result is `dtype`[]. C1: `dtype` is not `bool`. Only a program that computes the statistic asks how many there
/// are, and when they are fed: a run fails for less than two, of which each is its own mean.
///
/// - Complexity: one store.
package struct SampleCount: KernelOp, SourceOp {
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
    try Extent(dimension, dtype: dtype).resultTypes(of: operands)
  }

  package var canFail: Bool { true }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    if let number = dimension.value, number < 2 {
      return Kernel { (_: borrowing KernelCall) throws(FirnError) in
        throw FirnError(
          .invalidArgument, "a statistic of \(number) value\(number == 1 ? "" : "s") in training mode",
          remedy: "feed two examples or more, or freeze the scope: it then runs in inference mode")
      }
    }
    return Extent(dimension, dtype: dtype).kernel(operands: operands, results: results)
  }
}

extension Graph {
  /// How many values a statistic over `dimension` is of, as a scalar; less than two fail the run that asks.
  package func sampleCount(_ dimension: Dim, dtype: DType, location: CallSite? = nil) -> Tensor {
    append(SampleCount(dimension, dtype: dtype), [], location: location)[0]
  }
}
