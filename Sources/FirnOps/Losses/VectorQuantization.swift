public import FirnGraph

/// Vectors replaced by the nearest of a table of codes, as `nearestCodes` makes them.
public struct Quantized {
  /// The codes, of the vectors' shape, whose gradient goes to the vectors as if they were those.
  public let codes: Tensor
  /// Which codes, `i32`, of the vectors' shape without the last axis.
  public let indices: Tensor
  /// The mean squared distance of codes to vectors, a scalar whose gradient goes to the codebook alone.
  public let codebookLoss: Tensor
  /// The same number, whose gradient goes to the vectors alone.
  public let commitmentLoss: Tensor
}

/// The nearest of a table of codes for each vector, and the two losses that bring them together: VQ-VAE's bottleneck.
///
/// | operand | type |
/// | --- | --- |
/// | x | `f32` or `f64`, [batch…, width] |
/// | codebook | as x, [codes, width] |
///
/// The decoder reads `codes`; a loss is as a rule its own + `codebookLoss` + 0.25 `commitmentLoss`. Of codes equally
/// near the first counts. Distances are ‖c‖² - 2 x·c, which finds the nearest but for ties that rounding makes.
///
/// Van den Oord, Vinyals and Kavukcuoglu, "Neural Discrete Representation Learning", 2017, equation 3.
///
/// Constraints: (C1) x has an axis, and the codebook two, as wide; (C2) both are of one floating point type.
///
/// - Complexity: 2 vectors codes width FLOPs.
public func nearestCodes(
  _ x: Tensor, codebook: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Quantized {
  let poison = { (tensor: Tensor) in
    Quantized(codes: tensor, indices: tensor, codebookLoss: tensor, commitmentLoss: tensor)
  }
  if x.isPoisoned || codebook.isPoisoned { return poison(.poisoned(in: x.graph)) }
  let location = CallSite(file, line)
  guard x.dtype == codebook.dtype, x.dtype.isFloatingPoint else {
    return poison(
      x.fault(
        .typeMismatch, "nearestCodes: \(x.type) and a codebook \(codebook.type)", remedy: "cast both to f32",
        constraint: "C2", operands: [x, codebook], location: location))
  }
  guard x.rank >= 1, codebook.rank == 2, codebook.shape[1] == x.shape[x.rank - 1] else {
    return poison(
      x.fault(
        .shapeMismatch, "nearestCodes: \(x.type) and a codebook \(codebook.type)",
        remedy: "give codes as wide as the vectors: [codes, width]", constraint: "C1",
        operands: [x, codebook], location: location))
  }
  return x.graph.at(location) {
    let (width, count) = (codebook.shape[1], x.shape.dropLast().reduce(Dim(1)) { $0 * $1 })
    let (vectors, table) = (x.stoppedInFormula().withShape([count, width]), codebook.stoppedInFormula())
    let distances = square(table).sum(axes: [1]) - matmul(vectors, table, transposeB: true) * 2
    let indices = distances.argmin(axis: 1)
    if indices.isPoisoned { return poison(indices) }
    let codes = gather(codebook, indices: indices).withShape(x.shape)
    return Quantized(
      codes: straightThrough(value: codes, as: x),
      indices: indices.withShape(Shape(Array(x.shape.dropLast()))),
      codebookLoss: meanSquaredError(codes, x.stoppedInFormula()),
      commitmentLoss: meanSquaredError(x, codes.stoppedInFormula()))
  }
}
