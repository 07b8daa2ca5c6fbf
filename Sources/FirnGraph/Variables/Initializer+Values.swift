extension Initializer {
  /// An array drawn as a variable's first value would be; handy for synthetic data.
  ///
  /// - Parameters:
  ///   - seed: with `name` and the element's position, decides every value.
  ///   - name: tells draws of one seed apart.
  /// - Throws: `.shapeMismatch` where the initialiser does not fit the shape, `.invalidArgument` where an extent is
  ///   negative, where its numbers are none to draw by, and where the process cannot have the memory.
  public func values(
    shape: [Int], dtype: DType = .f32, seed: UInt64 = 0, name: String = "values"
  ) throws(FirnError) -> NDArray {
    if let fault = TensorType(dtype, Shape(shape)).fault {
      throw FirnError(.invalidArgument, "\(Shape(shape)) has \(fault)", remedy: "check the extents")
    }
    return try sample(ArrayType(dtype, shape), seed: seed, name: name)
  }
}
