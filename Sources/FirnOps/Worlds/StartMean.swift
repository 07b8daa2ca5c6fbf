package import FirnGraph

/// Begins the sum over the members of a world of values times the own weight, packed into one bucket.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | weight | `f32`, `f64`, scalar | |
/// | x… | of the weight's element type | one or more |
///
/// | result | type | |
/// | --- | --- | --- |
/// | bucket | [elements] | the weight, where it travels along, and w·x of each x; the world's until it is finished |
/// | ticket | `i32[2]` | what `finish_mean` waits for |
///
/// C1: all are floating point, of one element type. C2: the weight is a scalar.
///
/// A member that does not count in a run hands in zeros, whatever its values are.
///
/// - Complexity: one pass, 1 FLOP an element; the sum goes on beside what is run next.
package struct StartMean: KernelOp, OpaqueOp {
  /// Whether the weight travels along.
  package var sendsWeight: Bool

  package init(sendsWeight: Bool) { self.sendsWeight = sendsWeight }

  package static let mnemonics = ["start_mean"]
  package var mnemonic: String { "start_mean" }
  package var attributes: Attributes { ["sends_weight": .bool(sendsWeight)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    sendsWeight = try attributes.bool("sends_weight")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try require(
      operands.count >= 2, "C1", .invalidArgument, "start_mean of \(operands.count) operands",
      remedy: "give a weight and values")
    let weight = operands[0]
    try weight.requireFloatingPoint("weight", "C1")
    try require(
      weight.shape.rank == 0, "C2", .shapeMismatch, "the weight is \(weight)", remedy: "give one number")
    for value in operands.dropFirst() {
      try require(
        value.dtype == weight.dtype, "C1", .typeMismatch, "a value is \(value), the weight \(weight)",
        remedy: "give one element type")
    }
    return [TensorType(weight.dtype, [elements(of: operands)]), TensorType(.i32, [2])]
  }

  private func elements(of operands: [TensorType]) -> Dim {
    operands.dropFirst().reduce(sendsWeight ? 1 : 0) { $0 + $1.shape.elementCount }
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { context.operands.map { _ in nil } }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { elements(of: operands) }

  package func exchangedBytes(of operands: [TensorType], results: [TensorType]) -> Dim {
    elements(of: operands) * Dim(operands[0].dtype.byteCount)
  }

  package func dependence(of operands: [Dependence], results: Int) -> [Dependence] {
    Array(repeating: operands.reduce(.data) { $0.union($1) }, count: results)
  }

  package var numerics: Numerics { Numerics(carriesInfinity: false, isUnderWay: true) }
  package var canFail: Bool { false }
  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    results[0].dtype == .f32 ? kernel(operands, results, Float.self) : kernel(operands, results, Double.self)
  }

  private func kernel<T: BinaryFloatingPoint & Sendable>(
    _ operands: [ArrayType], _ results: [ArrayType], _: T.Type
  ) -> Kernel {
    let (sendsWeight, counts, dtype) = (
      sendsWeight, operands.dropFirst().map(\.elementCount), results[0].dtype
    )
    let total = results[0].elementCount
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let world = call.world
      let weight = world?.counts ?? true ? call.operand(0, as: T.self)[0] : 0
      let isCounted = weight != 0
      let bucket = call.result(0, as: T.self)
      var place = bucket
      if sendsWeight {
        place[0] = weight
        place += 1
      }
      for index in counts.indices {
        let (x, y) = (call.operand(index + 1, as: T.self), place)
        call.inPieces(counts[index]) { start, count in
          if isCounted {
            for element in start..<start + count { y[element] = weight * x[element] }
          } else {
            // What has no weight may be NaN.
            for element in start..<start + count { y[element] = 0 }
          }
        }
        place += counts[index]
      }
      writeTicket(world?.startSum(bucket, count: total, of: dtype) ?? 0, to: call.result(1))
    }
  }
}

/// As two words, which any count of calls fits.
func writeTicket(_ ticket: Int, to words: UnsafeMutablePointer<Int32>) {
  words[0] = Int32(truncatingIfNeeded: ticket)
  words[1] = Int32(truncatingIfNeeded: ticket >> 32)
}

func readTicket(_ words: UnsafePointer<Int32>) -> Int {
  Int(truncatingIfNeeded: UInt64(UInt32(bitPattern: words[0])) | UInt64(UInt32(bitPattern: words[1])) << 32)
}
