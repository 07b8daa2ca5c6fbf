internal import CFirnKernels
public import FirnGraph

/// A comparison, element by element.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | a, b | `f32`, `f64`, `i32` | any shape; the result is `bool` of it |
///
/// C1: the shapes are equal. C2: the element types are equal. C3: they are not `bool`.
///
/// With a NaN only not_equal holds. No gradient passes.
///
/// - Complexity: one pass, 1 FLOP an element.
package struct Compare: InstructionOp {
  package enum Relation: String, Hashable, Sendable, CaseIterable {
    case equal
    case notEqual = "not_equal"
    case less
    case lessEqual = "less_equal"
    case greater
    case greaterEqual = "greater_equal"
  }

  package var relation: Relation

  package init(_ relation: Relation) { self.relation = relation }

  package static let mnemonics = Relation.allCases.map(\.rawValue)
  package var mnemonic: String { relation.rawValue }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(try member(mnemonic, of: Relation.self, family: "comparison"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    try requireAlike(operands)
    try require(
      operands[0].dtype != .bool, "C3", .typeMismatch, "operands are \(operands[0])",
      remedy: "use logicalXor to compare truth values")
    return [TensorType(.bool, operands[0].shape)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil, nil] }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount
  }

  package var canFail: Bool { false }
  package var isQuick: Bool { true }

  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  private var code: FirnCompare {
    switch relation {
    case .equal: FIRN_EQUAL
    case .notEqual: FIRN_NOT_EQUAL
    case .less: FIRN_LESS
    case .lessEqual: FIRN_LESS_EQUAL
    case .greater: FIRN_GREATER
    case .greaterEqual: FIRN_GREATER_EQUAL
    }
  }

  package func instruction(on operands: [DType]) -> Instruction {
    switch operands[0] {
    case .f32: return Instruction(.compare(code))
    case .f64: return scalar(Double.self)
    case .i32: return scalar(Int32.self)
    case .bool: firnBug("compare", "\(mnemonic) of \(operands[0])")
    }
  }

  private func scalar<T: Comparable & Sendable>(_ type: T.Type) -> Instruction {
    let relation = relation
    return Instruction { a, b, _, y, n in
      switch relation {
      case .equal: mapEach(a, b, y, n, T.self, UInt8.self) { $0 == $1 ? 1 : 0 }
      case .notEqual: mapEach(a, b, y, n, T.self, UInt8.self) { $0 != $1 ? 1 : 0 }
      case .less: mapEach(a, b, y, n, T.self, UInt8.self) { $0 < $1 ? 1 : 0 }
      case .lessEqual: mapEach(a, b, y, n, T.self, UInt8.self) { $0 <= $1 ? 1 : 0 }
      case .greater: mapEach(a, b, y, n, T.self, UInt8.self) { $0 > $1 ? 1 : 0 }
      case .greaterEqual: mapEach(a, b, y, n, T.self, UInt8.self) { $0 >= $1 ? 1 : 0 }
      }
    }
  }

  static func broadcasting(
    _ relation: Relation, _ a: Tensor, _ b: Tensor, location: CallSite?
  ) -> Tensor {
    guard let (a, b) = aligned(relation.rawValue, a, b, location: location) else {
      return .poisoned(in: a.graph)
    }
    return a.applying(Compare(relation), b, location: location)
  }
}

/// Whether a = b, element by element with broadcasting, as `bool`.
///
/// With a NaN it is false. No gradient passes.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`; truth values compare by
/// `logicalXor`.
///
/// - Complexity: 1 FLOP and 9 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func equal(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Compare.broadcasting(.equal, a, b, location: CallSite(file, line))
}

/// Whether a = b, for each element and a number, as `bool`.
///
/// With a NaN it is false. No gradient passes.
///
/// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
///
/// - Complexity: 1 FLOP and 13 bytes moved an element in `f32`, the number written out included.
public func equal(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Compare.broadcasting(.equal, a, a.scalar(b), location: CallSite(file, line))
}

/// Whether a ≠ b, element by element with broadcasting, as `bool`.
///
/// With a NaN it is true. No gradient passes.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`; truth values compare by
/// `logicalXor`.
///
/// - Complexity: 1 FLOP and 9 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func notEqual(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Compare.broadcasting(.notEqual, a, b, location: CallSite(file, line))
}

/// Whether a ≠ b, for each element and a number, as `bool`.
///
/// With a NaN it is true. No gradient passes.
///
/// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
///
/// - Complexity: 1 FLOP and 13 bytes moved an element in `f32`, the number written out included.
public func notEqual(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Compare.broadcasting(.notEqual, a, a.scalar(b), location: CallSite(file, line))
}

/// Whether a < b, element by element with broadcasting, as `bool`.
///
/// With a NaN it is false. No gradient passes.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`; truth values compare by
/// `logicalXor`.
///
/// - Complexity: 1 FLOP and 9 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func less(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Compare.broadcasting(.less, a, b, location: CallSite(file, line))
}

/// Whether a < b, for each element and a number, as `bool`.
///
/// With a NaN it is false. No gradient passes.
///
/// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
///
/// - Complexity: 1 FLOP and 13 bytes moved an element in `f32`, the number written out included.
public func less(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Compare.broadcasting(.less, a, a.scalar(b), location: CallSite(file, line))
}

/// Whether a ≤ b, element by element with broadcasting, as `bool`.
///
/// With a NaN it is false. No gradient passes.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`; truth values compare by
/// `logicalXor`.
///
/// - Complexity: 1 FLOP and 9 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func lessEqual(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Compare.broadcasting(.lessEqual, a, b, location: CallSite(file, line))
}

/// Whether a ≤ b, for each element and a number, as `bool`.
///
/// With a NaN it is false. No gradient passes.
///
/// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
///
/// - Complexity: 1 FLOP and 13 bytes moved an element in `f32`, the number written out included.
public func lessEqual(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Compare.broadcasting(.lessEqual, a, a.scalar(b), location: CallSite(file, line))
}

/// Whether a > b, element by element with broadcasting, as `bool`.
///
/// With a NaN it is false. No gradient passes.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`; truth values compare by
/// `logicalXor`.
///
/// - Complexity: 1 FLOP and 9 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func greater(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Compare.broadcasting(.greater, a, b, location: CallSite(file, line))
}

/// Whether a > b, for each element and a number, as `bool`.
///
/// With a NaN it is false. No gradient passes.
///
/// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
///
/// - Complexity: 1 FLOP and 13 bytes moved an element in `f32`, the number written out included.
public func greater(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Compare.broadcasting(.greater, a, a.scalar(b), location: CallSite(file, line))
}

/// Whether a ≥ b, element by element with broadcasting, as `bool`.
///
/// With a NaN it is false. No gradient passes.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`; truth values compare by
/// `logicalXor`.
///
/// - Complexity: 1 FLOP and 9 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func greaterEqual(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor
{
  Compare.broadcasting(.greaterEqual, a, b, location: CallSite(file, line))
}

/// Whether a ≥ b, for each element and a number, as `bool`.
///
/// With a NaN it is false. No gradient passes.
///
/// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
///
/// - Complexity: 1 FLOP and 13 bytes moved an element in `f32`, the number written out included.
public func greaterEqual(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor
{
  Compare.broadcasting(.greaterEqual, a, a.scalar(b), location: CallSite(file, line))
}
