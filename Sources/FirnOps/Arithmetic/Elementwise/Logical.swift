public import FirnGraph

/// A truth function, element by element.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | a | `bool` | any shape; the result has its type |
/// | b | as a | not for `not`, which has one operand |
///
/// C1: the shapes are equal. C2: the operands are `bool`. No gradient passes.
///
/// - Complexity: one pass, 1 FLOP an element.
package struct Logical: InstructionOp {
  package enum Function: String, Hashable, Sendable, CaseIterable {
    case and, or, xor, not
  }

  package var function: Function

  package init(_ function: Function) { self.function = function }

  package static let mnemonics = Function.allCases.map(\.rawValue)
  package var mnemonic: String { function.rawValue }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(try member(mnemonic, of: Function.self, family: "logical"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(function == .not ? 1 : 2)
    for operand in operands {
      try require(
        operand.dtype == .bool, "C2", .typeMismatch, "operand is \(operand), not bool",
        remedy: "compare it, or cast it to bool")
    }
    if operands.count == 2 { try requireAlike(operands) }
    return [operands[0]]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { context.operands.map { _ in nil } }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount
  }

  package var canFail: Bool { false }
  package var isQuick: Bool { true }

  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .inPlace(function == .not ? [0] : [0, 1]) }

  package func instruction(on operands: [DType]) -> Instruction {
    let function = function
    return Instruction { a, b, _, y, n in
      switch function {
      case .and: mapEach(a, b, y, n, UInt8.self, UInt8.self) { $0 & $1 }
      case .or: mapEach(a, b, y, n, UInt8.self, UInt8.self) { $0 | $1 }
      case .xor: mapEach(a, b, y, n, UInt8.self, UInt8.self) { $0 ^ $1 }
      case .not: mapEach(a, y, n, UInt8.self, UInt8.self) { $0 ^ 1 }
      }
    }
  }

  static func broadcasting(
    _ function: Function, _ a: Tensor, _ b: Tensor, location: CallSite?
  ) -> Tensor {
    guard let (a, b) = aligned(function.rawValue, a, b, location: location) else {
      return .poisoned(in: a.graph)
    }
    return a.applying(Logical(function), b, location: location)
  }
}

/// Whether both hold, element by element with broadcasting.
///
/// Constraints: (C1) the shapes broadcast; (C2) both are `bool`.
///
/// - Complexity: 1 FLOP and 3 bytes moved an element of the result; what is broadcast is written out first.
public func logicalAnd(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Logical.broadcasting(.and, a, b, location: CallSite(file, line))
}

/// Whether at least one holds, element by element with broadcasting.
///
/// Constraints: (C1) the shapes broadcast; (C2) both are `bool`.
///
/// - Complexity: 1 FLOP and 3 bytes moved an element of the result; what is broadcast is written out first.
public func logicalOr(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Logical.broadcasting(.or, a, b, location: CallSite(file, line))
}

/// Whether exactly one holds, element by element with broadcasting.
///
/// Constraints: (C1) the shapes broadcast; (C2) both are `bool`.
///
/// - Complexity: 1 FLOP and 3 bytes moved an element of the result; what is broadcast is written out first.
public func logicalXor(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Logical.broadcasting(.xor, a, b, location: CallSite(file, line))
}

/// Whether it does not hold, element by element.
///
/// Constraints: (C2) x is `bool`.
///
/// - Complexity: 1 FLOP and 2 bytes moved an element.
public func logicalNot(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Logical(.not), location: CallSite(file, line))
}
