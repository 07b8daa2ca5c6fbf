package import FirnGraph

/// Waits for a bucket that `start_mean` or `start_row_mean` has begun, and takes the means out of it.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | bucket | `f32[k]`, `f64[k]` | |
/// | ticket | `i32[2]` | |
/// | total | as the bucket, scalar | the sum of all weights, where it does not travel in this bucket |
/// | kept… | any | what the world reads until then |
///
/// | result | type | |
/// | --- | --- | --- |
/// | total | as the bucket, scalar | where it travels in this bucket |
/// | mean… | of `shapes` | the sums divided by the total; undivided where that is 0 |
///
/// C1: the bucket is floating point, of one axis. C2: a total is a scalar of its element type. C3: the shapes fill the
/// bucket. C4: the ticket is `i32[2]`.
///
/// - Complexity: one pass, 1 FLOP an element, once the sum is there.
/// - Throws: when run, `.world` where a member is gone.
package struct FinishMean: KernelOp, OpaqueOp {
  package var shapes: [Shape]
  /// Whether the sum of weights is the bucket's first element.
  package var sendsWeight: Bool
  /// How many operands are only kept until then.
  package var keeps: Int

  package init(_ shapes: [Shape], sendsWeight: Bool, keeps: Int = 0) {
    self.shapes = shapes
    self.sendsWeight = sendsWeight
    self.keeps = keeps
  }

  package static let mnemonics = ["finish_mean"]
  package var mnemonic: String { "finish_mean" }
  package var attributes: Attributes {
    [
      "shapes": .list(shapes.map(AttributeValue.shape)), "sends_weight": .bool(sendsWeight),
      "keeps": .int(keeps),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    guard case .list(let shapes)? = attributes["shapes"] else {
      throw FirnError(.parse, "attribute `shapes` must be a list of shapes")
    }
    self.shapes = []
    for shape in shapes {
      self.shapes.append(try Attributes([.init(key: "shapes", value: shape)]).shape("shapes"))
    }
    sendsWeight = try attributes.bool("sends_weight")
    keeps = try attributes.int("keeps")
    guard (0...2).contains(keeps) else {
      throw FirnError(.parse, "attribute `keeps` must be a number of operands, not \(keeps)")
    }
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require((sendsWeight ? 2 : 3) + keeps)
    let (bucket, ticket) = (operands[0], operands[1])
    try bucket.requireFloatingPoint("bucket", "C1")
    try require(
      bucket.shape.rank == 1, "C1", .shapeMismatch, "the bucket is \(bucket)", remedy: "give one of one axis")
    let scalar = TensorType(bucket.dtype, .scalar)
    try require(
      sendsWeight || operands[2] == scalar, "C2", .typeMismatch,
      "the total is \(operands[sendsWeight ? 0 : 2]), not \(scalar)",
      remedy: "give one number of the bucket's element type")
    let elements = shapes.reduce(sendsWeight ? 1 : 0) { $0 + $1.elementCount }
    try require(
      elements == bucket.shape[0], "C3", .shapeMismatch,
      "\(elements) elements are taken out of \(bucket)", remedy: "give the shapes that went in")
    try require(
      ticket == TensorType(.i32, [2]), "C4", .typeMismatch, "the ticket is \(ticket)",
      remedy: "give that of the op that began it")
    return (sendsWeight ? [scalar] : []) + shapes.map { TensorType(bucket.dtype, $0) }
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { context.operands.map { _ in nil } }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount
  }

  package func dependence(of operands: [Dependence], results: Int) -> [Dependence] {
    Array(repeating: operands.reduce(.data) { $0.union($1) }, count: results)
  }

  package var canFail: Bool { true }
  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    operands[0].dtype == .f32
      ? kernel(results, Float.self) : kernel(results, Double.self)
  }

  private func kernel<T: BinaryFloatingPoint & Sendable>(_ results: [ArrayType], _: T.Type) -> Kernel {
    let (sendsWeight, counts) = (sendsWeight, results.map(\.elementCount))
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      try call.world?.finish(readTicket(call.operand(1)))
      var place = call.operand(0, as: T.self)
      let total = sendsWeight ? place[0] : call.operand(2, as: T.self)[0]
      let divisor = total > 0 ? total : 1
      for index in counts.indices {
        let (x, y) = (place, call.result(index, as: T.self))
        let isTotal = sendsWeight && index == 0
        call.inPieces(counts[index]) { start, count in
          if isTotal { return y[0] = total }
          for element in start..<start + count { y[element] = x[element] / divisor }
        }
        place += counts[index]
      }
    }
  }
}
