import FirnGraph
import Testing

/// Whether what is drawn has the distribution it claims.
///
/// Draws are the same in every run, so nothing here is a matter of luck. A mean of n draws may be five of its deviations
/// σ/√n off, a variance five of its own, σ²·√((κ-1)/n) with κ the kurtosis, and the empirical distribution function
/// 1.95/√n from the true one (Kolmogorov and Smirnov at 0.001).
@Suite struct InitializerStatisticsTests {
  private enum Shape { case uniform, normal, truncated }

  /// Expected moments of an initialiser on an array.
  private struct Case {
    let initializer: Initializer
    var extents = [80, 120]
    var mean = 0.0
    let variance: Double
    let shape: Shape

    var kurtosis: Double {
      switch shape {
      case .uniform: 1.8
      case .normal: 3
      // (3 - 2(a³ + 3a)·φ(a)/Z) / (1 - 2a·φ(a)/Z)² for a = 2, Z = Φ(a) - Φ(-a).
      case .truncated: 2.365_54
      }
    }

    /// The distribution function, of draws brought to mean 0 and variance 1.
    func probability(below x: Double) -> Double {
      switch shape {
      case .uniform: return min(max(0.5 + x / 12.0.squareRoot(), 0), 1)
      case .normal: return RealMath.normalDistribution(x)
      case .truncated:
        let cut = min(max(x * 0.879_625_661_034, -2), 2)
        return (RealMath.normalDistribution(cut) - RealMath.normalDistribution(-2))
          / (RealMath.normalDistribution(2) - RealMath.normalDistribution(-2))
      }
    }
  }

  private static let cases: [Case] =
    [
      Case(initializer: .uniform(-2, 4), mean: 1, variance: 3, shape: .uniform),
      Case(initializer: .normal(mean: 3, deviation: 0.5), mean: 3, variance: 0.25, shape: .normal),
      Case(
        initializer: .truncatedNormal(mean: 3, deviation: 0.5), mean: 3, variance: 0.25 * 0.773_741_3,
        shape: .truncated),
      Case(initializer: .glorotUniform, variance: 2.0 / 200, shape: .uniform),
      Case(initializer: .glorotNormal, variance: 2.0 / 200, shape: .truncated),
      Case(initializer: .heUniform, variance: 2.0 / 80, shape: .uniform),
      Case(initializer: .heNormal, variance: 2.0 / 80, shape: .truncated),
      Case(initializer: .lecunUniform, variance: 1.0 / 80, shape: .uniform),
      Case(initializer: .lecunNormal, variance: 1.0 / 80, shape: .truncated),
      Case(initializer: .heNormal, extents: [3, 5, 20, 40], variance: 2.0 / 300, shape: .truncated),
      Case(initializer: .lecunUniform, extents: [9000], variance: 1.0 / 9000, shape: .uniform),
    ] + scaled

  /// Every mode with every distribution.
  private static let scaled: [Case] = [
    (Initializer.FanMode.fanIn, 80.0), (.fanOut, 120), (.fanAverage, 100),
  ].flatMap { mode, fan in
    [(Initializer.Distribution.uniform, Shape.uniform), (.normal, .normal), (.truncatedNormal, .truncated)]
      .map {
        Case(
          initializer: .varianceScaling(scale: 3, mode: mode, distribution: $0), variance: 3 / fan, shape: $1)
      }
  }

  @Test(arguments: cases.indices) func distributions(_ number: Int) throws {
    let expected = Self.cases[number]
    let values = try draw(expected.initializer, expected.extents)
    let n = Double(values.count)
    let deviation = expected.variance.squareRoot()
    #expect(abs(mean(values) - expected.mean) < 5 * deviation / n.squareRoot())
    #expect(
      abs(variance(values) - expected.variance)
        < 5 * expected.variance * ((expected.kurtosis - 1) / n).squareRoot())
    let unit = values.map { ($0 - expected.mean) / deviation }.sorted()
    let apart = unit.enumerated().map { place, x in
      let probability = expected.probability(below: x)
      return max(abs(probability - Double(place) / n), abs(probability - Double(place + 1) / n))
    }
    #expect(try #require(apart.max()) < 1.95 / n.squareRoot())
    let bound: Double? =
      switch expected.shape {
      case .uniform: 3.0.squareRoot()
      case .normal: nil
      case .truncated: 2 / 0.879_625_661_034
      }
    if let bound { #expect(unit.allSatisfy { abs($0) <= bound * (1 + 1e-12) }) }
  }

  /// Other names, other seeds, neighbours and gates have nothing to do with each other.
  @Test(arguments: [Initializer.uniform(-1, 1), .normal(), .truncatedNormal(), .heNormal])
  func drawsAreIndependent(_ initializer: Initializer) throws {
    let extents = [100, 96]
    let first = try draw(initializer, extents)
    var others = try [
      draw(initializer, extents, name: "v"), draw(initializer, extents, name: "w_1"),
      draw(initializer, extents, seed: 2), draw(initializer, extents, seed: 1 << 32 + 1),
      Array(first.dropFirst()) + first.prefix(1), Array(first.dropFirst(96)) + first.prefix(96),
    ]
    // Blocks side by side, each as wide as the whole was.
    let width = extents[1]
    let gates = try draw(.columns([(width, initializer), (width, initializer)]), [extents[0], 2 * width])
    func columns(_ start: Int) -> [Double] {
      (0..<extents[0]).flatMap { row in gates.dropFirst(2 * row * width + start).prefix(width) }
    }
    let (left, right) = (columns(0), columns(width))
    #expect(left == first)
    others.append(right)
    for other in others { #expect(abs(correlation(first, other)) < 5 / Double(first.count).squareRoot()) }
  }

  /// An entry of a uniformly distributed orthogonal n×n matrix has mean 0, variance 1/n and kurtosis 3n/(n + 2).
  @Test func orthogonalMatricesAreUniform() throws {
    let (n, samples) = (4.0, 1500.0)
    let matrices = try (0..<Int(samples)).map { try draw(.orthogonal(gain: 2), [4, 4], seed: UInt64($0)) }
    let kurtosis = 3 * n / (n + 2)
    let (slackOfMean, slackOfVariance) = (
      5 / (n * samples).squareRoot(), 5 / n * ((kurtosis - 1) / samples).squareRoot()
    )
    for entry in 0..<16 {
      let values = matrices.map { $0[entry] / 2 }
      #expect(abs(mean(values)) < slackOfMean)
      #expect(abs(variance(values) - 1 / n) < slackOfVariance)
    }
    let neighbours = matrices.map { $0[0] * $0[5] }
    #expect(abs(mean(neighbours)) < 4 * 5 / n / samples.squareRoot())
  }

  private func draw(
    _ initializer: Initializer, _ extents: [Int], seed: UInt64 = 1, name: String = "w"
  ) throws -> [Double] {
    try initializer.values(shape: extents, dtype: .f64, seed: seed, name: name).doubles
  }

  private func correlation(_ a: [Double], _ b: [Double]) -> Double {
    let (middleA, middleB) = (mean(a), mean(b))
    let products = zip(a, b).map { ($0 - middleA) * ($1 - middleB) }
    return mean(products) / (variance(a) * variance(b)).squareRoot()
  }
}
