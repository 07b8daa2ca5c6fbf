public import FirnGraph

/// Functions of the bits of integers, element by element.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | a, b | `i32` | one shape; `bit_not` has one operand |
///
/// C1: the shapes are equal. C2: all are `i32`.
///
/// Shifts by 32 and more leave nothing but, to the right, the sign; shifts by less than 0 go the other way.
///
/// No gradient passes.
///
/// - Complexity: one pass, 1 FLOP an element.
package struct Bitwise: InstructionOp {
  package enum Function: String, Hashable, Sendable, CaseIterable {
    case and = "bit_and"
    case or = "bit_or"
    case xor = "bit_xor"
    case not = "bit_not"
    case shiftLeft = "shift_left"
    case shiftRight = "shift_right"
  }

  package var function: Function

  package init(_ function: Function) { self.function = function }

  package static let mnemonics = Function.allCases.map(\.rawValue)
  package var mnemonic: String { function.rawValue }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(try member(mnemonic, of: Function.self, family: "bitwise"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(function == .not ? 1 : 2)
    for operand in operands { try operand.requireIndices("operand", "C2") }
    if operands.count == 2 { try requireAlike(operands) }
    return [operands[0]]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { context.operands.map { _ in nil } }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount
  }

  package var canFail: Bool { false }

  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .inPlace(function == .not ? [0] : [0, 1]) }

  package func instruction(on operands: [DType]) -> Instruction {
    let function = function
    return Instruction { a, b, _, y, n in
      switch function {
      case .and: mapEach(a, b, y, n, Int32.self, Int32.self) { $0 & $1 }
      case .or: mapEach(a, b, y, n, Int32.self, Int32.self) { $0 | $1 }
      case .xor: mapEach(a, b, y, n, Int32.self, Int32.self) { $0 ^ $1 }
      case .not: mapEach(a, y, n, Int32.self, Int32.self) { ~$0 }
      case .shiftLeft: mapEach(a, b, y, n, Int32.self, Int32.self) { $0 << $1 }
      case .shiftRight: mapEach(a, b, y, n, Int32.self, Int32.self) { $0 >> $1 }
      }
    }
  }

  static func broadcasting(
    _ function: Function, _ a: Tensor, _ b: Tensor, location: CallSite?
  ) -> Tensor {
    guard let (a, b) = aligned(function.rawValue, a, b, location: location) else {
      return .poisoned(in: a.graph)
    }
    return a.applying(Bitwise(function), b, location: location)
  }
}

/// The bits set in both of two integers, with broadcasting.
///
/// No gradient passes.
///
/// Constraints: (C1) the shapes broadcast; (C2) both are `i32`.
///
/// - Complexity: 1 FLOP and 12 bytes moved an element.
public func bitwiseAnd(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Bitwise.broadcasting(.and, a, b, location: CallSite(file, line))
}

/// The bits set in one or both of two integers, with broadcasting.
///
/// No gradient passes.
///
/// Constraints: (C1) the shapes broadcast; (C2) both are `i32`.
///
/// - Complexity: 1 FLOP and 12 bytes moved an element.
public func bitwiseOr(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Bitwise.broadcasting(.or, a, b, location: CallSite(file, line))
}

/// The bits set in just one of two integers, with broadcasting.
///
/// No gradient passes.
///
/// Constraints: (C1) the shapes broadcast; (C2) both are `i32`.
///
/// - Complexity: 1 FLOP and 12 bytes moved an element.
public func bitwiseXor(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Bitwise.broadcasting(.xor, a, b, location: CallSite(file, line))
}

/// The bits of a, b places higher, with broadcasting; what leaves is lost.
///
/// No gradient passes. A shift by less than 0 goes the other way.
///
/// Constraints: (C1) the shapes broadcast; (C2) both are `i32`.
///
/// - Complexity: 1 FLOP and 12 bytes moved an element.
public func shiftLeft(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Bitwise.broadcasting(.shiftLeft, a, b, location: CallSite(file, line))
}

/// The bits of a, b places lower, with broadcasting; the sign is repeated.
///
/// No gradient passes. A shift by less than 0 goes the other way.
///
/// Constraints: (C1) the shapes broadcast; (C2) both are `i32`.
///
/// - Complexity: 1 FLOP and 12 bytes moved an element.
public func shiftRight(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Bitwise.broadcasting(.shiftRight, a, b, location: CallSite(file, line))
}

/// The bits of each integer the other way.
///
/// No gradient passes.
///
/// Constraints: (C2) x is `i32`.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element.
public func bitwiseNot(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Bitwise(.not), location: CallSite(file, line))
}
