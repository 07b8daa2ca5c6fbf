internal import FirnGraph
internal import Synchronization

/// What is made of a fused op when it is first asked for, shared by copies of the op.
final class FusedPrograms: Sendable {
  private let elements = Mutex<Result<ElementProgram, FirnError>?>(nil)
  private let blocks = Mutex<Result<BlockProgram, FirnError>?>(nil)
  private let flow = Mutex<[[GradientFlow]]?>(nil)

  /// - Throws: C3, C4 or C5 of a program that cannot be run.
  func elements(of fused: Fused) throws(FirnError) -> ElementProgram {
    try elements.once { () throws(FirnError) in try ElementProgram(fused) }
  }

  /// - Throws: what is wrong with the program, or that a dimension is no number.
  func blocks(of fused: Fused) throws(FirnError) -> BlockProgram {
    let elements = try elements(of: fused)
    return try blocks.once { () throws(FirnError) in try BlockProgram(fused, elements) }
  }

  /// By operand and result, where gradients go.
  func flow(of fused: Fused) -> [[GradientFlow]] {
    flow.withLock { known in
      let flow = known ?? Fused.flow(fused.body)
      known = flow
      return flow
    }
  }
}

extension Mutex {
  fileprivate func once<Made: Sendable>(
    _ make: () throws(FirnError) -> Made
  ) throws(FirnError) -> Made where Value == Result<Made, FirnError>? {
    let result = withLock { known in
      if let known { return known }
      let made = Result(catching: make)
      known = made
      return made
    }
    return try result.get()
  }
}
