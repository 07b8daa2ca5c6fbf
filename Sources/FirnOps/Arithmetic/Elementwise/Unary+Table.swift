internal import CFirnKernels
package import FirnGraph

extension Unary {
  /// All that Firn knows of one function.
  package struct Row: Sendable {
    /// The adjoint of x from the adjoint g of y, x, y and alpha; y where that is cheaper.
    package typealias Rule = @Sendable (_ g: Tensor, _ x: Tensor, _ y: Tensor, _ alpha: Double) -> Tensor

    let kernel: FirnUnary
    let reference: @Sendable (_ x: Double, _ alpha: Double) -> Double
    var integer: (@Sendable (Int32) -> Int32)?
    /// Nil where the derivative is zero wherever it exists.
    let gradient: Rule?
    /// Where tests draw x from: inside it the function is finite and tame.
    package let domain: ClosedRange<Double>
    /// Points without derivative, which tests keep away from.
    package var kinks: [Double] = []
    /// Whether it or its derivative is NaN or infinite for some finite x, overflow aside.
    package var hasPole = false
    let flops: Int
    /// The default of the parameter, for functions that have one.
    var alpha: Double?
  }

  package static func row(_ function: Function) -> Row {
    switch function {
    case .neg:
      Row(
        kernel: FIRN_NEG, reference: { x, _ in -x }, integer: { 0 &- $0 },
        gradient: { g, _, _, _ in -g }, domain: -3...3, flops: 1)
    case .abs:  // The subgradient 0 at 0, and 0 at NaN.
      Row(
        kernel: FIRN_ABS, reference: { x, _ in x.magnitude }, integer: { $0 < 0 ? 0 &- $0 : $0 },
        gradient: { g, x, _, _ in
          let left = select(where: less(x, 0), -g, otherwise: g.filled(0))
          return select(where: greater(x, 0), g, otherwise: left)
        }, domain: -3...3, kinks: [0], flops: 1)
    case .sign:
      Row(
        kernel: FIRN_SIGN, reference: { x, _ in x > 0 ? 1 : x < 0 ? -1 : x }, integer: { $0.signum() },
        gradient: nil, domain: -3...3, kinks: [0], flops: 1)
    case .exp:
      Row(
        kernel: FIRN_EXP, reference: { x, _ in RealMath.exponential(x) },
        gradient: { g, _, y, _ in g * y }, domain: -3...3, flops: 1)
    case .expm1:
      Row(
        kernel: FIRN_EXPM1, reference: { x, _ in RealMath.exponentialMinusOne(x) },
        gradient: { g, _, y, _ in g * y + g }, domain: -3...3, flops: 1)
    case .log:
      Row(
        kernel: FIRN_LOG, reference: { x, _ in RealMath.logarithm(x) },
        gradient: { g, x, _, _ in g / x }, domain: 0.2...4, hasPole: true, flops: 1)
    case .log1p:
      Row(
        kernel: FIRN_LOG1P, reference: { x, _ in RealMath.logarithmOfOnePlus(x) },
        gradient: { g, x, _, _ in g / (x + 1) }, domain: -0.7...3, hasPole: true, flops: 1)
    case .sqrt:  // Infinite at 0.
      Row(
        kernel: FIRN_SQRT, reference: { x, _ in x.squareRoot() },
        gradient: { g, _, y, _ in g / (y + y) }, domain: 0.2...4, hasPole: true, flops: 1)
    case .rsqrt:
      Row(
        kernel: FIRN_RSQRT, reference: { x, _ in 1 / x.squareRoot() },
        gradient: { g, x, y, _ in -(g * y) / (x + x) }, domain: 0.2...4, hasPole: true, flops: 2)
    case .square:
      Row(
        kernel: FIRN_SQUARE, reference: { x, _ in x * x }, integer: { $0 &* $0 },
        gradient: { g, x, _, _ in g * (x + x) }, domain: -3...3, flops: 1)
    case .reciprocal:
      Row(
        kernel: FIRN_RECIPROCAL, reference: { x, _ in 1 / x },
        gradient: { g, _, y, _ in -(g * square(y)) }, domain: 0.3...3, hasPole: true, flops: 1)
    case .sin:
      Row(
        kernel: FIRN_SIN, reference: { x, _ in RealMath.sine(x) },
        gradient: { g, x, _, _ in g * cos(x) }, domain: -3...3, flops: 1)
    case .cos:
      Row(
        kernel: FIRN_COS, reference: { x, _ in RealMath.cosine(x) },
        gradient: { g, x, _, _ in -(g * sin(x)) }, domain: -3...3, flops: 1)
    case .tanh:
      Row(
        kernel: FIRN_TANH, reference: { x, _ in RealMath.hyperbolicTangent(x) },
        gradient: { g, _, y, _ in g - g * square(y) }, domain: -3...3, flops: 1)
    case .sigmoid:
      Row(
        kernel: FIRN_SIGMOID, reference: { x, _ in RealMath.logistic(x) },
        gradient: { g, _, y, _ in g * (y - square(y)) }, domain: -3...3, flops: 3)
    case .softplus:
      Row(
        kernel: FIRN_SOFTPLUS, reference: { x, _ in RealMath.softplus(x) },
        gradient: { g, x, _, _ in g * sigmoid(x) }, domain: -3...3, flops: 4)
    case .relu:  // The subgradient 0 at 0, and 1 at NaN.
      Row(
        kernel: FIRN_RELU, reference: { x, _ in x < 0 ? 0 : x },
        gradient: { g, _, y, _ in select(where: lessEqual(y, 0), g.filled(0), otherwise: g) },
        domain: -3...3, kinks: [0], flops: 1)
    case .leakyReLU:  // The subgradient alpha at 0 and at NaN.
      Row(
        kernel: FIRN_LEAKY_RELU, reference: { x, alpha in x > 0 ? x : alpha * x },
        gradient: { g, x, _, alpha in select(where: greater(x, 0), g, otherwise: g * alpha) },
        domain: -3...3, kinks: [0], flops: 2, alpha: 0.2)
    case .elu:  // The left derivative, alpha, at 0, and 1 at NaN.
      Row(
        kernel: FIRN_ELU, reference: { x, alpha in x > 0 ? x : alpha * RealMath.exponentialMinusOne(x) },
        gradient: { g, x, y, alpha in select(where: lessEqual(x, 0), g * (y + alpha), otherwise: g) },
        domain: -3...3, kinks: [0], flops: 3, alpha: 1)
    case .gelu:  // Φ(x) + x φ(x).
      Row(
        kernel: FIRN_GELU, reference: { x, _ in x * RealMath.normalDistribution(x) },
        gradient: { g, x, _, _ in
          let distribution = (erf(x * 0.5.squareRoot()) + 1) * 0.5
          let density = exp(square(x) * -0.5) * (0.5 / Double.pi).squareRoot()
          return g * (distribution + x * density)
        }, domain: -3...3, flops: 5)
    case .silu:  // s + y (1 - s) with s the sigmoid.
      Row(
        kernel: FIRN_SILU, reference: { x, _ in x * RealMath.logistic(x) },
        gradient: { g, x, y, _ in
          let s = sigmoid(x)
          return g * (s + (y - y * s))
        }, domain: -3...3, flops: 4)
    case .hardSwish:  // x / 3 + 1 / 2 between the kinks; at them what is beyond: 0 at -3, 1 at 3. 1 at NaN.
      Row(
        kernel: FIRN_HARD_SWISH, reference: { x, _ in x < -3 ? -0.0 : x > 3 ? x : x * ((x + 3) / 6) },
        gradient: { g, x, _, _ in
          let right = select(where: less(x, 3), g * (x / 3 + 0.5), otherwise: g)
          return select(where: lessEqual(x, -3), g.filled(0), otherwise: right)
        }, domain: -5...5, kinks: [-3, 3], flops: 4)
    case .erf:
      Row(
        kernel: FIRN_ERF, reference: { x, _ in RealMath.errorFunction(x) },
        gradient: { g, x, _, _ in g * (exp(-square(x)) * (4 / Double.pi).squareRoot()) },
        domain: -2...2, flops: 1)
    case .floor:
      Row(
        kernel: FIRN_FLOOR, reference: { x, _ in x.rounded(.down) }, gradient: nil, domain: -3...3,
        kinks: [-3, -2, -1, 0, 1, 2, 3], flops: 1)
    case .ceil:
      Row(
        kernel: FIRN_CEIL, reference: { x, _ in x.rounded(.up) }, gradient: nil, domain: -3...3,
        kinks: [-3, -2, -1, 0, 1, 2, 3], flops: 1)
    case .round:
      Row(
        kernel: FIRN_ROUND, reference: { x, _ in x.rounded(.toNearestOrEven) }, gradient: nil,
        domain: -3...3, kinks: [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], flops: 1)
    case .geluTanh:  // s + y (1 - s) 2u' with s the sigmoid of 2u.
      Row(
        kernel: FIRN_GELU_TANH,
        reference: { x, _ in x < -22 ? -0.0 : x * RealMath.logistic(x * (geluCubic * x * x + geluSlope)) },
        gradient: { g, x, y, _ in
          let squared = square(x)
          let s = sigmoid(x * (squared * geluCubic + geluSlope))
          return g * (s + (y - y * s) * (squared * (3 * geluCubic) + geluSlope))
        }, domain: -3...3, flops: 9)
    case .mish:  // t + x σ (1 - t²) with t the hyperbolic tangent of the softplus and σ the sigmoid.
      Row(
        kernel: FIRN_MISH,
        reference: { x, _ in Swift.max(x, -1024) * RealMath.hyperbolicTangent(RealMath.softplus(x)) },
        gradient: { g, x, _, _ in
          let t = tanh(softplus(x))
          return g * (t + (x - x * square(t)) * sigmoid(x))
        }, domain: -3...3, flops: 8)
    case .tan:
      Row(
        kernel: FIRN_TAN, reference: { x, _ in RealMath.tangent(x) },
        gradient: { g, _, y, _ in g + g * square(y) }, domain: -1.2...1.2, hasPole: true, flops: 1)
    case .asin:
      Row(
        kernel: FIRN_ASIN, reference: { x, _ in RealMath.arcSine(x) },
        gradient: { g, x, _, _ in g * rsqrt(1 - square(x)) }, domain: -0.8...0.8, hasPole: true, flops: 1)
    case .acos:
      Row(
        kernel: FIRN_ACOS, reference: { x, _ in RealMath.arcCosine(x) },
        gradient: { g, x, _, _ in -(g * rsqrt(1 - square(x))) }, domain: -0.8...0.8, hasPole: true, flops: 1)
    case .atan:
      Row(
        kernel: FIRN_ATAN, reference: { x, _ in RealMath.arcTangent(x) },
        gradient: { g, x, _, _ in g / (square(x) + 1) }, domain: -3...3, flops: 1)
    case .sinh:
      Row(
        kernel: FIRN_SINH, reference: { x, _ in RealMath.hyperbolicSine(x) },
        gradient: { g, x, _, _ in g * cosh(x) }, domain: -3...3, flops: 1)
    case .cosh:
      Row(
        kernel: FIRN_COSH, reference: { x, _ in RealMath.hyperbolicCosine(x) },
        gradient: { g, x, _, _ in g * sinh(x) }, domain: -3...3, flops: 1)
    case .asinh:
      Row(
        kernel: FIRN_ASINH, reference: { x, _ in RealMath.areaSine(x) },
        gradient: { g, x, _, _ in g * rsqrt(square(x) + 1) }, domain: -3...3, flops: 1)
    case .acosh:
      Row(
        kernel: FIRN_ACOSH, reference: { x, _ in RealMath.areaCosine(x) },
        gradient: { g, x, _, _ in g * rsqrt(square(x) - 1) }, domain: 1.3...4, hasPole: true, flops: 1)
    case .atanh:
      Row(
        kernel: FIRN_ATANH, reference: { x, _ in RealMath.areaTangent(x) },
        gradient: { g, x, _, _ in g / (1 - square(x)) }, domain: -0.8...0.8, hasPole: true, flops: 1)
    }
  }

  /// 2 √(2 / π) and that times 0.044715, of `gelu_tanh`.
  private static let geluSlope = 2 * (2 / Double.pi).squareRoot()
  private static let geluCubic = 0.044715 * geluSlope
}
