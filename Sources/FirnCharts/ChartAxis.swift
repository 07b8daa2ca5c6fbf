/// The range of an axis, its round-numbered ticks, and where a value lies on it.
///
/// Ticks of a linear axis are 1, 2 or 5 times a power of ten apart. A logarithmic axis has powers of ten,
/// with 2 and 5 times them between if it spans few, and the ticks of a linear one if it spans less than a
/// factor of five.
struct ChartAxis: Hashable {
  /// A marked value.
  struct Tick: Hashable {
    var value: Double
    var label: String
  }

  private(set) var lower: Double
  private(set) var upper: Double
  private(set) var ticks: [Tick] = []
  let isLogarithmic: Bool

  /// Creates a linear axis that holds all values.
  ///
  /// - Parameters:
  ///   - values: What is to be shown; all finite.
  ///   - tickCount: About how many ticks there is room for.
  ///   - snaps: Whether the axis goes on to the next tick at both ends, rather than ending with the values.
  init(linear values: [Double], tickCount: Int, snaps: Bool) {
    isLogarithmic = false
    (lower, upper) = ChartAxis.range(of: values)
    let isIntegral = values.allSatisfy { $0 == $0.rounded() }
    addSteps(tickCount: tickCount, snaps: snaps, isIntegral: isIntegral)
  }

  /// Creates a logarithmic axis that holds all values, and goes on to the next tick at both ends.
  ///
  /// - Parameters:
  ///   - values: What is to be shown; all finite and positive.
  ///   - tickCount: About how many ticks there is room for.
  init(logarithmic values: [Double], tickCount: Int) {
    isLogarithmic = true
    (lower, upper) = values.isEmpty ? (0.1, 10) : ChartAxis.range(of: values)
    // So small that there are no numbers as far below them as above.
    if lower <= 0, let least = values.min(), let greatest = values.max() {
      (lower, upper) = (max(least / 10, .leastNonzeroMagnitude), greatest * 10)
    }
    if upper / lower < 5 {
      let range = (lower, upper)
      addSteps(tickCount: tickCount, snaps: true, isIntegral: false)
      if lower > 0 { return }
      (lower, upper) = range
      ticks = []
    }
    addDecades(tickCount: tickCount)
  }

  /// How far along the axis a value lies, from 0 at the lower end to 1 at the upper.
  func fraction(of value: Double) -> Double {
    if isLogarithmic {
      let start = ChartAxis.binaryLogarithm(lower)
      return (ChartAxis.binaryLogarithm(value) - start) / (ChartAxis.binaryLogarithm(upper) - start)
    }
    // Halves, since the difference of two large numbers of opposite sign may be infinite.
    return (value / 2 - lower / 2) / (upper / 2 - lower / 2)
  }

  /// The extent of the values, widened where there is nothing to see between its ends.
  private static func range(of values: [Double]) -> (Double, Double) {
    guard let least = values.min(), let greatest = values.max() else { return (0, 1) }
    let magnitude = max(least.magnitude, greatest.magnitude)
    // Below this, ticks would differ in digits that a number of this size does not have.
    if greatest / 2 - least / 2 > magnitude * 1e-12 && magnitude > 1e-290 { return (least, greatest) }
    let margin = magnitude > 1e-290 ? magnitude / 10 : 1
    let limit = Double.greatestFiniteMagnitude
    return (max(least - margin, -limit), min(greatest + margin, limit))
  }

  private mutating func addSteps(tickCount: Int, snaps: Bool, isIntegral: Bool) {
    let roughStep = (upper / 2 - lower / 2) / (Double(max(tickCount, 2)) / 2)
    var step = ChartAxis.roundStep(atLeast: roughStep)
    if isIntegral && step.value < 1 { step = DecimalNumber(digits: 1, exponent: 0) }
    // The tolerance keeps a quotient like 2.9999999999999996 from costing or adding a tick.
    let (first, last) = (lower / step.value, upper / step.value)
    let start = snaps ? (first + 1e-6).rounded(.down) : (first - 1e-6).rounded(.up)
    let end = snaps ? (last - 1e-6).rounded(.up) : (last + 1e-6).rounded(.down)
    guard start <= end else { return }
    let multiples = (Int(start)...Int(end)).map {
      DecimalNumber(digits: $0 * step.digits, exponent: step.exponent)
    }
    addTicks(multiples.filter(\.value.isFinite), isUniform: true)
    if snaps, let first = ticks.first, let last = ticks.last {
      lower = min(lower, first.value)
      upper = max(upper, last.value)
    }
  }

  private mutating func addDecades(tickCount: Int) {
    let first = DecimalNumber.decade(of: lower)
    let last = DecimalNumber.decade(of: upper)
    if last - first < 3 {
      let candidates = (first...last + 1).flatMap { decade in
        [1, 2, 5].map { DecimalNumber(digits: $0, exponent: decade) }
      }
      let start = candidates.lastIndex { $0.value <= lower } ?? 0
      let end = candidates.firstIndex { $0.value >= upper } ?? candidates.count - 1
      addTicks(candidates[start...end].filter { $0.value.isFinite && $0.value > 0 }, isUniform: false)
    } else {
      let spacing = (last - first + tickCount) / tickCount
      let decades = stride(from: first, to: last + spacing + 1, by: spacing)
      let reached = decades.first { DecimalNumber(digits: 1, exponent: $0).value >= upper } ?? last
      let marks = decades.filter { $0 <= reached }.map { DecimalNumber(digits: 1, exponent: $0) }
      addTicks(marks.filter { $0.value.isFinite && $0.value > 0 }, isUniform: false)
    }
    lower = min(lower, ticks.first?.value ?? lower)
    upper = max(upper, ticks.last?.value ?? upper)
  }

  private mutating func addTicks(_ numbers: [DecimalNumber], isUniform: Bool) {
    let magnitudes = numbers.map(\.value.magnitude).filter { $0 > 0 }
    let greatest = magnitudes.max() ?? 1
    let least = isUniform ? greatest : magnitudes.min() ?? 1
    let isScientific = greatest >= 1e7 || least < 1e-3 || (numbers.first?.exponent ?? 0) < -6
    ticks = numbers.map { Tick(value: $0.value, label: isScientific ? $0.scientificText : $0.plainText) }
  }

  private static func roundStep(atLeast roughStep: Double) -> DecimalNumber {
    let decade = DecimalNumber.decade(of: roughStep)
    let candidates = [1, 2, 5].map { DecimalNumber(digits: $0, exponent: decade) }
    return candidates.first { $0.value >= roughStep } ?? DecimalNumber(digits: 1, exponent: decade + 1)
  }

  /// The logarithm to base 2 of a positive number, far more exact than a picture needs and the same on
  /// every platform.
  private static func binaryLogarithm(_ value: Double) -> Double {
    let ratio = (value.significand - 1) / (value.significand + 1)
    var power = ratio
    var sum = 0.0
    for divisor in stride(from: 1.0, through: 31, by: 2) {
      sum += power / divisor
      power *= ratio * ratio
    }
    return Double(value.exponent) + sum * 2.885_390_081_777_926_8
  }
}
