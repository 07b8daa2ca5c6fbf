/// When a run ends before its epochs are over, and whether it goes back to its best.
public struct EarlyStopping: Hashable, Sendable {
  /// How many epochs in a row may pass in which what is monitored gets no better.
  public var patience: Int
  /// By how much it must get better to count; not negative.
  public var minimumDelta: Double
  /// Whether the best epoch's variables and optimisers' memory are put back when training ends, bit for bit; also where
  /// it ends as its epochs are over.
  public var restoresBest: Bool

  /// - Parameters:
  ///   - patience: at least 1 is taken.
  ///   - minimumDelta: for patience alone; the best epoch is the best by any difference.
  ///   - restoresBest: true by default.
  public init(patience: Int, minimumDelta: Double = 0, restoresBest: Bool = true) {
    self.patience = patience
    self.minimumDelta = minimumDelta
    self.restoresBest = restoresBest
  }
}
