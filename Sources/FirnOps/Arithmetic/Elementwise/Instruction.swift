internal import CFirnKernels
package import FirnGraph

/// What an elementwise op does to a run of elements: the code that the op by itself and fused programs share.
package struct Instruction: Sendable {
  /// Of up to three operands; what an instruction has fewer of is handed on again.
  typealias Body =
    @Sendable (
      _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
      _ count: Int
    ) -> Void

  enum Code: Sendable {
    case unary(FirnUnary, alpha: Float)
    case binary(FirnBinary)
    case compare(FirnCompare)
    /// Of elements of 32 bits.
    case select
    /// Anything else, which C does not run by itself.
    case other(Body)
  }

  let code: Code

  init(_ code: Code) { self.code = code }

  init(_ body: @escaping Body) { code = .other(body) }

  /// On elements from `start` on.
  func run(_ buffers: Buffers, from start: Int, _ count: Int) {
    let (a, b, c) = (buffers.at(0, start), buffers.at(1, start), buffers.at(2, start))
    let y = buffers.result + start * buffers.resultStep
    switch code {
    case .unary(let function, let alpha):
      firn_unary_f32(
        function, alpha, a.assumingMemoryBound(to: Float.self), y.assumingMemoryBound(to: Float.self), count)
    case .binary(let function):
      firn_binary_f32(
        function, a.assumingMemoryBound(to: Float.self), b.assumingMemoryBound(to: Float.self),
        y.assumingMemoryBound(to: Float.self), count)
    case .compare(let relation):
      firn_compare_f32(
        relation, a.assumingMemoryBound(to: Float.self), b.assumingMemoryBound(to: Float.self),
        y.assumingMemoryBound(to: UInt8.self), count)
    case .select:
      firn_select_32(
        a.assumingMemoryBound(to: UInt8.self), b.assumingMemoryBound(to: UInt32.self),
        c.assumingMemoryBound(to: UInt32.self), y.assumingMemoryBound(to: UInt32.self), count)
    case .other(let body): body(a, b, c, y, count)
    }
  }

  /// Whole operands and the result of an op that is run by itself.
  struct Buffers {
    private let operands: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer)
    private let steps: (Int, Int, Int)
    let result: UnsafeMutableRawPointer
    let resultStep: Int

    init(_ call: borrowing KernelCall, _ steps: (Int, Int, Int), operands count: Int, resultStep: Int) {
      operands = (
        UnsafeRawPointer(call.operand(0, as: UInt8.self)),
        UnsafeRawPointer(call.operand(min(1, count - 1), as: UInt8.self)),
        UnsafeRawPointer(call.operand(min(2, count - 1), as: UInt8.self))
      )
      self.steps = steps
      result = UnsafeMutableRawPointer(call.result(as: UInt8.self))
      self.resultStep = resultStep
    }

    @inline(__always)
    func at(_ operand: Int, _ start: Int) -> UnsafeRawPointer {
      switch operand {
      case 0: operands.0 + start * steps.0
      case 1: operands.1 + start * steps.1
      default: operands.2 + start * steps.2
      }
    }
  }
}

/// An elementwise op that can be an instruction of a fused program, and whose kernel is that instruction on all
/// elements.
package protocol InstructionOp: ElementwiseOp, KernelOp {
  /// - Parameter operands: at most three, of types that `resultTypes(of:)` takes.
  func instruction(on operands: [DType]) -> Instruction
}

extension InstructionOp {
  package var isInstruction: Bool { true }
  package func fusionRole(in node: NodeTypes) -> FusionRole { .instruction }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let instruction = instruction(on: operands.map(\.dtype))
    let count = results[0].elementCount
    let sizes = operands.map(\.dtype.byteCount)
    let steps = (sizes[0], sizes[min(1, sizes.count - 1)], sizes[min(2, sizes.count - 1)])
    let resultStep = results[0].dtype.byteCount
    let operandCount = operands.count
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let buffers = Instruction.Buffers(call, steps, operands: operandCount, resultStep: resultStep)
      call.inPieces(count) { start, n in instruction.run(buffers, from: start, n) }
    }
  }
}
