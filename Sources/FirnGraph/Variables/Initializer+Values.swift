extension Initializer {
  /// An array drawn as a variable's first value would be; handy for synthetic data.
  ///
  /// - Parameters:
  ///   - seed: with `name` and the element's position, decides every value.
  ///   - name: tells draws of one seed apart.
  /// - Throws: `.shapeMismatch` where the initialiser does not fit the shape.
  public func values(
    shape: [Int], dtype: DType = .f32, seed: UInt64 = 0, name: String = "values"
  ) throws(FirnError) -> NDArray {
    guard shape.allSatisfy({ $0 >= 0 }) else {
      throw FirnError(
        .invalidArgument, "\(Shape(shape)) has a negative extent", remedy: "give extents of 0 or more")
    }
    return try sample(ArrayType(dtype, shape), seed: seed, name: name)
  }
}
