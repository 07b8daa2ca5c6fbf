internal import CFirnKernels
package import FirnGraph

/// A function of two numbers, element by element.
///
/// y[i] = function(a[i], b[i])
///
/// | operand | type | |
/// | --- | --- | --- |
/// | a | `f32`, `f64`, `i32` | any shape; for sigmoid_cross_entropy the logits |
/// | b | as a | for sigmoid_cross_entropy the labels |
///
/// C1: the shapes are equal; nothing is broadcast. C2: the element types are equal. C3: they are floating point, or
/// `i32` where the function takes integers (pow and sigmoid_cross_entropy do not).
///
/// Integers wrap round; their quotient truncates and is 0 where the divisor is 0. max and min are NaN where an operand
/// is. The gradient of max and min goes in halves to operands that tie; of pow it is 0 for an exponent of 0, and 0
/// towards the exponent at base 0, NaN towards the exponent below.
///
/// - Complexity: one pass; the row's FLOPs an element.
package struct Binary: InstructionOp {
  package enum Function: String, Hashable, Sendable, CaseIterable {
    case add, sub, mul, div, pow, fmod, max, min
    case sigmoidCrossEntropy = "sigmoid_cross_entropy"
  }

  package var function: Function

  package init(_ function: Function) { self.function = function }

  package static let mnemonics = Function.allCases.map(\.rawValue)
  package var mnemonic: String { function.rawValue }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(try member(mnemonic, of: Function.self, family: "binary"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    try requireAlike(operands)
    if Self.row(function).integer == nil {
      try operands[0].requireFloatingPoint("operand", "C3")
    } else {
      try operands[0].requireNumeric("operand", "C3")
    }
    return [operands[0]]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let row = Self.row(function)
    let (g, a, b, y) = (context.cotangent, context.operands[0], context.operands[1], context.results[0])
    return context.adjoints({ row.left(g, a, b, y) }, { row.right(g, a, b, y) })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount * Dim(Self.row(function).flops)
  }

  package var numerics: Numerics { Numerics(poles: Self.row(function).poles, carriesInfinity: true) }

  package var canFail: Bool { false }

  package var isQuick: Bool {
    switch function {
    case .add, .sub, .mul, .div, .max, .min: true
    case .pow, .fmod, .sigmoidCrossEntropy: false
    }
  }

  package func simplified(in node: NodeView) -> Expression<Value>? {
    guard function == .mul || function == .div else { return nil }
    let (a, b) = (node.operands[0], node.operands[1])
    if b.uniform == 1 { return .leaf(a.value) }
    return function == .mul && a.uniform == 1 ? .leaf(b.value) : nil
  }

  package var aliasing: Aliasing { .inPlace([0, 1]) }

  package func instruction(on operands: [DType]) -> Instruction {
    let row = Self.row(function)
    switch operands[0] {
    case .f32: return Instruction(.binary(row.kernel))
    case .f64:
      if let body = function.quickBody { return Instruction(body) }
      let reference = row.reference
      return Instruction { a, b, _, y, n in mapEach(a, b, y, n, Double.self, Double.self, reference) }
    case .i32, .bool:
      guard operands[0] == .i32, let integer = row.integer else {
        firnBug("binary", "\(mnemonic) of \(operands[0])")
      }
      switch function {
      case .add:
        return Instruction { a, b, _, y, n in mapEach(a, b, y, n, Int32.self, Int32.self) { $0 &+ $1 } }
      case .mul:
        return Instruction { a, b, _, y, n in mapEach(a, b, y, n, Int32.self, Int32.self) { $0 &* $1 } }
      default: return Instruction { a, b, _, y, n in mapEach(a, b, y, n, Int32.self, Int32.self, integer) }
      }
    }
  }
}

extension Binary.Function {
  /// In `f64` what an instruction or two do, in loops that the compiler makes vectors of: a call an element costs more.
  ///
  /// The bits are those of the reference, but of squares, which are products; a cube would be rounded twice.
  fileprivate var quickBody: Instruction.Body? {
    switch self {
    case .add: { a, b, _, y, n in mapEach(a, b, y, n, Double.self, Double.self) { $0 + $1 } }
    case .sub: { a, b, _, y, n in mapEach(a, b, y, n, Double.self, Double.self) { $0 - $1 } }
    case .mul: { a, b, _, y, n in mapEach(a, b, y, n, Double.self, Double.self) { $0 * $1 } }
    case .div: { a, b, _, y, n in mapEach(a, b, y, n, Double.self, Double.self) { $0 / $1 } }
    case .max:
      { a, b, _, y, n in mapEach(a, b, y, n, Double.self, Double.self) { $0 != $0 || $0 > $1 ? $0 : $1 } }
    case .min:
      { a, b, _, y, n in mapEach(a, b, y, n, Double.self, Double.self) { $0 != $0 || $0 < $1 ? $0 : $1 } }
    case .pow:
      { a, b, _, y, n in
        mapEach(a, b, y, n, Double.self, Double.self) { $1 == 2 ? $0 * $0 : RealMath.power($0, $1) }
      }
    case .fmod, .sigmoidCrossEntropy: nil
    }
  }
}

/// - Throws: C2 for different element types, C1 for different shapes.
func requireAlike(_ operands: [TensorType]) throws(FirnError) {
  let (a, b) = (operands[0], operands[1])
  try require(
    a.dtype == b.dtype, "C2", .typeMismatch, "\(a) and \(b) have different element types",
    remedy: "cast one to the other's")
  try require(
    a.shape == b.shape, "C1", .shapeMismatch, "\(a) and \(b) have different shapes",
    remedy: "broadcast one to the other's")
}
