internal import FirnGraph
private import Synchronization

/// What is made of a fused op when it is first asked for, shared by copies of the op.
///
/// Whoever comes first makes it; others wait.
final class FusedPrograms: Sendable {
  private struct Made {
    var elements: Result<ElementProgram, FirnError>?
    var blocks: Result<BlockProgram, FirnError>?
    var kernel: Kernel?
    var flops: Dim?
    var flow: [[GradientFlow]]?
  }

  private let made = Mutex(Made())

  /// - Throws: C3, C4, C5 or C6 of a program that cannot be run.
  func elements(of fused: Fused) throws(FirnError) -> ElementProgram {
    try made.withLock { made in
      let result =
        made.elements ?? Result { () throws(FirnError) in try ElementProgram(fused) }
      made.elements = result
      return result
    }.get()
  }

  /// - Throws: what is wrong with the program, or that a dimension is no number.
  func blocks(of fused: Fused) throws(FirnError) -> BlockProgram {
    let elements = try elements(of: fused)
    return try made.withLock { made in
      let result =
        made.blocks ?? Result { () throws(FirnError) in try BlockProgram(fused, elements) }
      made.blocks = result
      return result
    }.get()
  }

  /// - Throws: as `blocks(of:)`.
  func kernel(of fused: Fused) throws(FirnError) -> Kernel {
    let (elements, blocks) = (try elements(of: fused), try blocks(of: fused))
    return made.withLock { made in
      let kernel = made.kernel ?? Self.startKernel(of: fused, elements, blocks) ?? blocks.kernel
      made.kernel = kernel
      return kernel
    }
  }

  /// The kernel of the node that the program begins with, with what else it does; nil where there is none.
  private static func startKernel(
    of fused: Fused, _ elements: ElementProgram, _ blocks: BlockProgram
  ) -> Kernel? {
    guard let finishing = blocks.finishing, let start = elements.start?.node,
      let op = fused.pattern.nodes[start].op as? any StartingOp
    else { return nil }
    let types = fused.pattern.types(round: start)
    return op.kernel(
      operands: types.operands.compactMap { ArrayType($0) },
      results: types.results.compactMap { ArrayType($0) },
      finishing: finishing)
  }

  func flops(of fused: Fused) -> Dim {
    made.withLock { made in
      let flops = made.flops ?? fused.pattern.flops
      made.flops = flops
      return flops
    }
  }

  /// By operand and result, where gradients go.
  func flow(of fused: Fused) -> [[GradientFlow]] {
    made.withLock { made in
      let flow = made.flow ?? Fused.flow(fused.pattern)
      made.flow = flow
      return flow
    }
  }
}
