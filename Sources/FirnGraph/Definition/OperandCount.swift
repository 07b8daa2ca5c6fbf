extension [TensorType] {
  /// - Throws: `.invalidArgument` for any other number of operands.
  package func require(_ expected: Int) throws(FirnError) {
    guard count == expected else {
      throw FirnError(.invalidArgument, "takes \(expected) operands, not \(count)", constraint: "C0")
    }
  }
}
