import FirnRuntime

/// States to go back to, should a number not be finite.
///
/// Two are kept: a loss that is finite vouches for the weights before its step, so the older one is good when the
/// younger one is taken.
final class NumericGuard {
  typealias Kept = (state: SessionState, position: DataPosition)
  private let interval: Int
  private var older: Kept?
  private var younger: Kept?

  init(every interval: Int) { self.interval = max(1, interval) }

  /// The state that is known to be good, and the place in the data that belongs to it.
  var good: Kept? { older ?? younger }

  /// Called before a step.
  func willStep(_ session: Session, at position: DataPosition) {
    if let younger, position.step - younger.position.step < interval { return }
    older = younger
    younger = (session.state, position)
  }

  func reset() { (older, younger) = (nil, nil) }
}
