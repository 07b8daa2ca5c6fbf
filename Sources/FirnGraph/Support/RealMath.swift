#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// The C library's functions of a `Double`: what reference kernels and first values are made of.
package enum RealMath {
  package static func exponential(_ x: Double) -> Double { exp(x) }
  package static func exponentialMinusOne(_ x: Double) -> Double { expm1(x) }
  package static func logarithm(_ x: Double) -> Double { log(x) }
  package static func logarithmOfOnePlus(_ x: Double) -> Double { log1p(x) }
  package static func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
  package static func sine(_ x: Double) -> Double { sin(x) }
  package static func cosine(_ x: Double) -> Double { cos(x) }
  package static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
  package static func tangent(_ x: Double) -> Double { tan(x) }
  package static func arcSine(_ x: Double) -> Double { asin(x) }
  package static func arcCosine(_ x: Double) -> Double { acos(x) }
  package static func arcTangent(_ x: Double) -> Double { atan(x) }
  package static func hyperbolicSine(_ x: Double) -> Double { sinh(x) }
  package static func hyperbolicCosine(_ x: Double) -> Double { cosh(x) }
  package static func areaSine(_ x: Double) -> Double { asinh(x) }
  package static func areaCosine(_ x: Double) -> Double { acosh(x) }
  package static func areaTangent(_ x: Double) -> Double { atanh(x) }
  package static func remainder(_ x: Double, _ y: Double) -> Double { fmod(x, y) }
  package static func errorFunction(_ x: Double) -> Double { erf(x) }

  /// 1 / (1 + e^-x) without overflow.
  package static func logistic(_ x: Double) -> Double {
    if x >= 0 { return 1 / (1 + exponential(-x)) }
    let e = exponential(x)
    return e / (1 + e)
  }

  /// log(1 + e^x) without overflow.
  package static func softplus(_ x: Double) -> Double {
    Swift.max(x, 0) + logarithmOfOnePlus(exponential(-x.magnitude)) + (x.isNaN ? x : 0)
  }

  /// Standard normal distribution function.
  package static func normalDistribution(_ x: Double) -> Double {
    0.5 * errorComplement(-x * 0.5.squareRoot())
  }

  private static func errorComplement(_ x: Double) -> Double { erfc(x) }
}
