/// When gradients and updates are measured, and what counts as too small or too large.
///
/// A measurement costs about a step more, and changes nothing of the run.
public struct NormWatch: Hashable, Sendable {
  /// Steps from one measurement to the next; the first step is measured.
  public var interval: Int
  /// A scope's gradients vanish where their root mean square is below this share of that of the scope nearest the loss.
  public var vanishingShare: Double
  /// They explode where it is above this many times that.
  public var explodingShare: Double

  /// By default every 100 steps, shares of 1e-4 and 1e4.
  public init(every interval: Int = 100, vanishingShare: Double = 1e-4, explodingShare: Double = 1e4) {
    self.interval = max(1, interval)
    self.vanishingShare = vanishingShare
    self.explodingShare = explodingShare
  }
}
