internal import CFirnKernels
package import FirnGraph

/// A function of one real variable, element by element.
///
/// y[i] = function(x[i])
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64`; for neg, abs, sign and square also `i32` | any shape; the result has its type |
///
/// C1: x is floating point, or `i32` where the function takes integers. Integers wrap round.
///
/// Outside a function's domain the result is NaN. What a gradient is at a kink stands in the function's row.
///
/// - Complexity: one pass; the row's FLOPs an element.
package struct Unary: InstructionOp {
  package enum Function: String, Hashable, Sendable, CaseIterable {
    case neg, abs, sign, exp, expm1, log, log1p, sqrt, rsqrt, square, reciprocal, sin, cos, tanh, sigmoid
    case softplus, relu
    case leakyReLU = "leaky_relu"
    case elu, gelu, silu
    case hardSwish = "hard_swish"
    case erf, floor, ceil, round
    case geluTanh = "gelu_tanh"
    case mish, tan, asin, acos, atan, sinh, cosh, asinh, acosh, atanh
  }

  package var function: Function
  /// The slope of leaky_relu left of 0, the depth of elu; unused by the others.
  @Exact package var alpha: Double

  package init(_ function: Function, alpha: Double? = nil) {
    self.function = function
    self.alpha = alpha ?? Self.row(function).alpha ?? 0
  }

  package static let mnemonics = Function.allCases.map(\.rawValue)
  package var mnemonic: String { function.rawValue }
  package var attributes: Attributes {
    Self.row(function).alpha == nil ? [:] : ["alpha": .double(alpha)]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    let function = try member(mnemonic, of: Function.self, family: "unary")
    self.init(function, alpha: Self.row(function).alpha == nil ? nil : try attributes.double("alpha"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    if Self.row(function).integer == nil {
      try operands[0].requireFloatingPoint("operand", "C1")
    } else {
      try operands[0].requireNumeric("operand", "C1")
    }
    return operands
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    Self.row(function).gradient == nil ? .zero : .passes
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    guard let rule = Self.row(function).gradient else { return [nil] }
    return context.adjoints({
      rule(context.cotangent, context.operands[0], context.results[0], alpha)
    })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount * Dim(Self.row(function).flops)
  }

  package var numerics: Numerics {
    Numerics(poles: Self.row(function).hasPole ? [0] : [], carriesInfinity: true)
  }

  package var canFail: Bool { false }

  package var isQuick: Bool {
    switch function {
    case .neg, .abs, .sign, .square, .reciprocal, .relu, .leakyReLU, .hardSwish, .floor, .ceil, .round: true
    default: false
    }
  }

  package func simplified(in node: NodeView) -> Expression<Value>? {
    guard function == .neg, let inner = node.operands[0].op as? Unary, inner.function == .neg else {
      return nil
    }
    return .leaf(node.operands[0].operands[0].value)
  }

  package var aliasing: Aliasing { .inPlace([0]) }

  package func instruction(on operands: [DType]) -> Instruction {
    let row = Self.row(function)
    let alpha = alpha
    switch operands[0] {
    case .f32: return Instruction(.unary(row.kernel, alpha: Float(alpha)))
    case .f64:
      if let body = function.quickBody { return Instruction(body) }
      let reference = row.reference
      return Instruction { a, _, _, y, n in
        mapEach(a, y, n, Double.self, Double.self) { reference($0, alpha) }
      }
    case .i32, .bool:
      guard operands[0] == .i32, let integer = row.integer else {
        firnBug("unary", "\(mnemonic) of \(operands[0])")
      }
      return Instruction { a, _, _, y, n in mapEach(a, y, n, Int32.self, Int32.self, integer) }
    }
  }
}

extension Unary.Function {
  /// In `f64` what one instruction does, in loops that the compiler makes vectors of: a call an element costs more than it.
  ///
  /// The bits are those of the reference.
  fileprivate var quickBody: Instruction.Body? {
    switch self {
    case .neg: { a, _, _, y, n in mapEach(a, y, n, Double.self, Double.self) { -$0 } }
    case .abs: { a, _, _, y, n in mapEach(a, y, n, Double.self, Double.self) { $0.magnitude } }
    case .sqrt: { a, _, _, y, n in mapEach(a, y, n, Double.self, Double.self) { $0.squareRoot() } }
    case .rsqrt: { a, _, _, y, n in mapEach(a, y, n, Double.self, Double.self) { 1 / $0.squareRoot() } }
    case .square: { a, _, _, y, n in mapEach(a, y, n, Double.self, Double.self) { $0 * $0 } }
    case .reciprocal: { a, _, _, y, n in mapEach(a, y, n, Double.self, Double.self) { 1 / $0 } }
    case .relu: { a, _, _, y, n in mapEach(a, y, n, Double.self, Double.self) { $0 < 0 ? 0 : $0 } }
    default: nil
    }
  }
}
