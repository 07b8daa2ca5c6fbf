import FirnGraph
import FirnOps

/// Periods one after the other, each so many times as long as the one before.
struct CosinePeriods {
  let first: Int
  let multiplier: Int

  init(first: Int, multiplier: Int) {
    self.first = max(1, first)
    self.multiplier = max(1, multiplier)
  }

  /// Where periods begin and how long they are, as far as an `f64` counts steps; exact, where logarithms would not be.
  private var periods: [(start: Double, length: Double)] {
    var periods = [(start: 0.0, length: Double(first))]
    while let last = periods.last, last.start + last.length < 0x1p53, last.length < 0x1p53 {
      periods.append((last.start + last.length, last.length * Double(multiplier)))
    }
    return periods
  }

  /// The share of its period that is over.
  func share(at step: Int) -> Double {
    if multiplier == 1 { return Double(step % first) / Double(first) }
    guard let period = periods.last(where: { $0.start <= Double(step) }) else { return 0 }
    return (Double(step) - period.start) / period.length
  }

  /// The same in a program.
  func share(at step: Tensor) -> Tensor {
    if multiplier == 1 {
      let length = Double(first)
      return (step - floor(step / length) * length) / length
    }
    let periods = periods
    let starts = step.graph.constant(NDArray(periods.map(\.start)))
    let lengths = step.graph.constant(NDArray(periods.map(\.length)))
    // Both grow from period to period, so the largest of those begun are the last one's.
    let begun = lessEqual(starts, step.expandingAxis(at: 0))
    let start = select(where: begun, starts, otherwise: starts * 0).max()
    let length = select(where: begun, lengths, otherwise: lengths * 0).max()
    return (step - start) / length
  }
}
