import FirnGraph
import FirnOps

/// A rate that rises to a peak and falls far below where it began.
struct OneCycle {
  let peak: Double
  let initial: Double
  let final: Double
  /// The step of the peak, and the last one; no whole numbers, as in PyTorch.
  let top: Double
  let last: Double

  init(peak: Double, over: Int, rising: Double, start: Double, end: Double) {
    self.peak = peak
    initial = peak / start
    final = initial / end
    top = rising * Double(max(1, over)) - 1
    last = Double(max(1, over)) - 1
  }

  func rate(at step: Int) -> Double {
    let step = min(Double(step), last)
    return step <= top
      ? half(initial, peak, step / max(top, 1e-300))
      : half(peak, final, (step - top) / max(last - top, 1e-300))
  }

  private func half(_ from: Double, _ to: Double, _ share: Double) -> Double {
    to + (from - to) * 0.5 * (1 + RealMath.cosine(Double.pi * share))
  }

  /// The same in a program.
  func rate(at step: Tensor) -> Tensor {
    let step = minimum(step, last)
    func half(_ from: Double, _ to: Double, _ share: Tensor) -> Tensor {
      to + (from - to) * 0.5 * (1 + FirnOps.cos(Double.pi * minimum(maximum(share, 0), 1)))
    }
    return select(
      where: lessEqual(step, top), half(initial, peak, step / max(top, 1e-300)),
      otherwise: half(peak, final, (step - top) / max(last - top, 1e-300)))
  }
}
