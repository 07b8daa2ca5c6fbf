package import FirnGraph

extension PackedConvolution: StartingOp {
  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    kernel(operands: operands, results: results, finishing: nil)
  }

  func kernel(operands: [ArrayType], results: [ArrayType], finishing: Finishing?) -> Kernel {
    plain.kernel(
      [operands[0], ArrayType(operands[1].dtype, kernel)], results, panels: layout, finishing)
  }
}
