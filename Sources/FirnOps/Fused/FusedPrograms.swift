internal import FirnGraph

/// What is made of a fused op when it is first asked for, shared by copies of the op.
final class FusedPrograms: Sendable {
  private let elements = Once<ElementProgram, FirnError>()
  private let blocks = Once<BlockProgram, FirnError>()
  private let kernel = Once<Kernel, FirnError>()
  private let flops = Once<Dim, Never>()
  private let flow = Once<[[GradientFlow]], Never>()

  /// - Throws: C3, C4 or C5 of a program that cannot be run.
  func elements(of fused: Fused) throws(FirnError) -> ElementProgram {
    try elements { () throws(FirnError) in try ElementProgram(fused) }
  }

  /// - Throws: what is wrong with the program, or that a dimension is no number.
  func blocks(of fused: Fused) throws(FirnError) -> BlockProgram {
    let elements = try elements(of: fused)
    return try blocks { () throws(FirnError) in try BlockProgram(fused, elements) }
  }

  /// - Throws: as `blocks(of:)`.
  func kernel(of fused: Fused) throws(FirnError) -> Kernel {
    let blocks = try blocks(of: fused)
    return try kernel { () throws(FirnError) in blocks.kernel }
  }

  func flops(of fused: Fused) -> Dim { flops { fused.body.flops } }

  /// By operand and result, where gradients go.
  func flow(of fused: Fused) -> [[GradientFlow]] { flow { Fused.flow(fused.body) } }
}
