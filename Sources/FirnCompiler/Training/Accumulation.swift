public import FirnGraph

/// Several runs whose gradients make one step: their mean, by weight.
///
///     G = Σ wᵢ·gᵢ / Σ wᵢ
///
/// over the runs of a window, after the last of which the optimiser makes its step with G; in the others nothing moves but
/// the sums. Where each loss is a mean over its batch and wᵢ the size of the batch, G is the gradient of the mean over all
/// examples of the window, also of a window whose batches differ in size, or of one that is closed early. A number is a
/// window of so many runs that weigh the same: `accumulating: 4`.
///
/// Sums are kept as slots: one for each trained part, `encoder/kernel/adam/accumulated_gradient`, of its type, and two
/// numbers. So a run that is resumed goes on within its window. Clipping is of G.
public struct Accumulation: ExpressibleByIntegerLiteral {
  package let runs: Int
  package let weight: (any TensorReference)?
  package let closing: (any TensorReference)?

  /// A window.
  ///
  /// - Parameters:
  ///   - runs: how many runs it has, at least 1.
  ///   - weight: what each run counts, a scalar that is fed or computed, not negative, such as the number of examples; 1
  ///     by default. Where all weights of a window are 0, so is its G.
  ///   - closing: a `bool` scalar, fed or computed, that ends the window with this run whatever their number, as at the end
  ///     of an epoch; by default only their number does. In a run that the objective sits out it ends nothing.
  public init(
    _ runs: Int, weightedBy weight: (any TensorReference)? = nil,
    closedBy closing: (any TensorReference)? = nil
  ) {
    self.runs = runs
    self.weight = weight
    self.closing = closing
  }

  /// So many runs of the same weight.
  public init(integerLiteral runs: Int) { self.init(runs) }
}
