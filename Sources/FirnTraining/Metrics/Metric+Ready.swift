public import FirnGraph

/// The metrics there are; each is that of all examples together, whatever the batches.
extension Metric {
  /// The mean of a scalar that is a mean over the examples of a batch, as a loss is.
  ///
  /// - Parameters:
  ///   - scalar: the mean of a batch.
  ///   - weight: what it is the mean over, where that is not the number of examples: tokens that are no padding, for
  ///     instance, as a scalar or as a mask that is summed.
  public static func mean(
    of scalar: any TensorReference, weightedBy weight: (any TensorReference)? = nil,
    named name: String = "loss"
  ) -> Metric {
    Metric(name, fetching: [scalar] + [weight].compactMap { $0 }) { MeanAccumulator(.mean) }
  }

  /// e to the mean of a cross entropy in nats.
  ///
  /// - Parameter weight: how many tokens the mean of a batch is over; the number of examples by default, which is right
  ///   where all have as many tokens.
  public static func perplexity(
    of crossEntropy: any TensorReference, weightedBy weight: (any TensorReference)? = nil,
    named name: String = "perplexity"
  ) -> Metric {
    Metric(name, fetching: [crossEntropy] + [weight].compactMap { $0 }) { MeanAccumulator(.exponential) }
  }

  /// The share of rows whose largest score is that of the label; of equal scores the first counts.
  ///
  /// - Parameters:
  ///   - scores: `[…, classes]`: logits or probabilities.
  ///   - labels: `i32[…]`.
  ///   - ignored: a label whose rows do not count, such as that of padding.
  public static func accuracy(
    _ scores: any TensorReference, labels: any TensorReference, ignoring ignored: Int? = nil,
    named name: String = "accuracy"
  ) -> Metric {
    Metric(name, fetching: [scores, labels]) { TopKAccumulator(k: 1, ignored: ignored) }
  }

  /// The share of rows whose label is among the k largest scores; of equal scores those of lower classes are before.
  ///
  /// - Parameter k: at least 1 is taken.
  public static func topK(
    _ k: Int, _ scores: any TensorReference, labels: any TensorReference, ignoring ignored: Int? = nil,
    named name: String? = nil
  ) -> Metric {
    Metric(name ?? "top-\(max(1, k))", fetching: [scores, labels]) {
      TopKAccumulator(k: max(1, k), ignored: ignored)
    }
  }

  /// A confusion matrix, with accuracy and each class's precision and recall as numbers.
  ///
  /// The matrix is `evaluation.confusionMatrix`; the numbers are called `confusion/accuracy`, `confusion/precision/0`
  /// and so on.
  public static func confusionMatrix(
    _ scores: any TensorReference, labels: any TensorReference, ignoring ignored: Int? = nil,
    named name: String = "confusion"
  ) -> Metric {
    Metric(name, fetching: [scores, labels]) { ConfusionAccumulator(ignored: ignored) }
  }

  /// The area under the ROC curve, ties counting half, as scikit-learn's `roc_auc_score`.
  ///
  /// - Parameters:
  ///   - scores: one for each row, larger for the positive class.
  ///   - labels: 1 for it and 0 for the other, of any element type.
  public static func auc(
    _ scores: any TensorReference, labels: any TensorReference, named name: String = "AUC"
  ) -> Metric {
    Metric(name, fetching: [scores, labels]) { AUCAccumulator() }
  }

  /// The mean of |prediction − target| over all elements.
  public static func meanAbsoluteError(
    _ predictions: any TensorReference, targets: any TensorReference, named name: String = "MAE"
  ) -> Metric {
    Metric(name, fetching: [predictions, targets]) { RegressionAccumulator(.meanAbsolute) }
  }

  /// The square root of the mean of (prediction − target)² over all elements.
  public static func rootMeanSquaredError(
    _ predictions: any TensorReference, targets: any TensorReference, named name: String = "RMSE"
  ) -> Metric {
    Metric(name, fetching: [predictions, targets]) { RegressionAccumulator(.rootMeanSquare) }
  }

  /// 1 − Σ(prediction − target)² / Σ(target − mean)², the mean of all columns, as scikit-learn's `r2_score`.
  public static func rSquared(
    _ predictions: any TensorReference, targets: any TensorReference, named name: String = "R²"
  ) -> Metric {
    Metric(name, fetching: [predictions, targets]) { RegressionAccumulator(.rSquared) }
  }
}
