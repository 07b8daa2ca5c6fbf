internal import CFirnKernels
package import FirnGraph

extension Binary {
  /// All that Firn knows of one function.
  package struct Row: Sendable {
    /// An operand's adjoint from the adjoint g of y, the operands and y.
    package typealias Rule = @Sendable (_ g: Tensor, _ a: Tensor, _ b: Tensor, _ y: Tensor) -> Tensor

    let kernel: FirnBinary
    let reference: @Sendable (Double, Double) -> Double
    var integer: (@Sendable (Int32, Int32) -> Int32)?
    let left: Rule
    let right: Rule
    /// Where tests draw the operands from.
    package var domains: (ClosedRange<Double>, ClosedRange<Double>) = (-3...3, -3...3)
    /// Whether there is no derivative where the operands are equal.
    package var hasKinkAtTies = false
    /// Operands for some of whose finite numbers it or a derivative is NaN or infinite, overflow aside.
    package var poles: [Int] = []
    let flops: Int
  }

  package static func row(_ function: Function) -> Row {
    switch function {
    case .add:
      Row(
        kernel: FIRN_ADD, reference: { $0 + $1 }, integer: { $0 &+ $1 },
        left: { g, _, _, _ in g }, right: { g, _, _, _ in g }, flops: 1)
    case .sub:
      Row(
        kernel: FIRN_SUB, reference: { $0 - $1 }, integer: { $0 &- $1 },
        left: { g, _, _, _ in g }, right: { g, _, _, _ in -g }, flops: 1)
    case .mul:
      Row(
        kernel: FIRN_MUL, reference: { $0 * $1 }, integer: { $0 &* $1 },
        left: { g, _, b, _ in g * b }, right: { g, a, _, _ in g * a }, flops: 1)
    case .div:
      Row(
        kernel: FIRN_DIV, reference: { $0 / $1 },
        integer: { $1 == 0 ? 0 : $0.wrappingQuotient(by: $1) },
        left: { g, _, b, _ in g / b }, right: { g, _, b, y in -(g * y) / b },
        domains: (-3...3, 0.4...3), poles: [1], flops: 1)
    case .pow:
      Row(
        kernel: FIRN_POW, reference: { RealMath.power($0, $1) },
        left: { g, a, b, _ in
          // b a^(b-1), whose second factor is infinite where a and b are 0: the exponent is moved to 0 there.
          let both = logicalAnd(equal(a, 0), equal(b, 0))
          return g * (b * pow(a, select(where: both, b, otherwise: b - 1)))
        },
        right: { g, a, b, y in
          // y log a, where 0 log 0 is to be 0.
          let tame = logicalAnd(equal(a, 0), greaterEqual(b, 0))
          return g * (y * log(select(where: tame, a.filled(1), otherwise: a)))
        }, domains: (0.3...3, -2...2), poles: [0], flops: 1)
    case .fmod:
      Row(
        kernel: FIRN_FMOD, reference: { RealMath.remainder($0, $1) },
        integer: { $1 == 0 ? 0 : $0.wrappingRemainder(by: $1) },
        left: { g, _, _, _ in g },
        // a - b n, where n is the quotient towards zero.
        right: { g, a, b, y in -(g * round((a - y) / b)) },
        domains: (1.1...1.4, 0.5...0.54), poles: [1], flops: 1)
    case .max:
      Row(
        kernel: FIRN_MAX, reference: { $0.isNaN || $0 > $1 ? $0 : $1 }, integer: { Swift.max($0, $1) },
        left: { g, a, b, _ in passing(g, unless: less(a, b), ties: equal(a, b)) },
        right: { g, a, b, _ in passing(g, unless: less(b, a), ties: equal(a, b)) },
        hasKinkAtTies: true, flops: 1)
    case .min:
      Row(
        kernel: FIRN_MIN, reference: { $0.isNaN || $0 < $1 ? $0 : $1 }, integer: { Swift.min($0, $1) },
        left: { g, a, b, _ in passing(g, unless: greater(a, b), ties: equal(a, b)) },
        right: { g, a, b, _ in passing(g, unless: greater(b, a), ties: equal(a, b)) },
        hasKinkAtTies: true, flops: 1)
    case .sigmoidCrossEntropy:
      Row(
        kernel: FIRN_SIGMOID_CROSS_ENTROPY,
        reference: { a, b in
          (a > 0 ? 1 - b : -b) * a + RealMath.logarithmOfOnePlus(RealMath.exponential(-a.magnitude))
        },
        left: { g, a, b, _ in g * (sigmoid(a) - b) }, right: { g, a, _, _ in -(g * a) }, flops: 6)
    }
  }

  /// Nothing of g where the operand loses, half of it where neither does, and all else: beside a NaN nothing is less.
  private static func passing(_ g: Tensor, unless loses: Tensor, ties: Tensor) -> Tensor {
    select(where: loses, g.filled(0), otherwise: select(where: ties, g * 0.5, otherwise: g))
  }
}

extension Int32 {
  /// What is left of the quotient towards zero; 0 of the one that overflows.
  fileprivate func wrappingRemainder(by divisor: Int32) -> Int32 {
    remainderReportingOverflow(dividingBy: divisor).partialValue
  }

  /// The quotient towards zero; the one that overflows wraps round.
  fileprivate func wrappingQuotient(by divisor: Int32) -> Int32 {
    dividedReportingOverflow(by: divisor).partialValue
  }
}
