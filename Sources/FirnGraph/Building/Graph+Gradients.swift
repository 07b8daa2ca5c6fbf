extension Graph {
  /// The gradients of the sum of `ys` with respect to each of `xs`, as TensorFlow's `tf.gradients`.
  ///
  /// They are tensors like any other: gradients of gradients work. Paths through `stop_gradient` and through `stopping`
  /// do not count. What is frozen is decided when compiling: the gradient of a frozen variable is unconnected then.
  ///
  /// - Parameters:
  ///   - ys: tensors of floating point, of any shape.
  ///   - xs: variables or other tensors of floating point.
  ///   - seeds: the adjoint of each of `ys` (the gradient that arrives there; nil: ones), of its type. PyTorch calls it
  ///     `grad_outputs`, JAX a cotangent.
  ///   - stopping: tensors held constant.
  ///   - unconnected: what a gradient without path is; by default an error, when compiling, that names what cuts it.
  /// - Returns: one tensor for each of `xs`, of its type.
  /// - Complexity: nothing is computed but what the live paths need; as a rule two to three times the forward
  ///   arithmetic.
  public func gradients(
    of ys: [Tensor], withRespectTo xs: [Tensor], seeds: [Tensor?]? = nil, stopping: [Tensor] = [],
    unconnected: Unconnected = .error, file: StaticString = #fileID, line: UInt = #line
  ) -> [Tensor] {
    let location = CallSite(file, line)
    let seeds = seeds ?? Array(repeating: nil, count: ys.count)
    guard !ys.isEmpty, seeds.count == ys.count else {
      let error = FirnError(
        .invalidArgument, "gradients: \(ys.count) sources and \(seeds.count) seeds",
        remedy: "give at least one source and no seeds or as many (nil for ones)")
      return Array(repeating: report(error, location: location), count: xs.count)
    }
    let op = Gradients(
      seeded: seeds.map { $0 != nil }, targets: xs.count, stops: stopping.count, unconnected: unconnected)
    return append(
      op, ys + seeds.compactMap { $0 } + xs + stopping, results: xs.count, location: location)
  }
}
