import FirnGraph

/// The area under the ROC curve: the chance that a positive row has the larger score, ties counting half.
///
/// Scores are kept, since no sum over batches says how they lie to each other.
struct AUCAccumulator: MetricAccumulator {
  private var rows: [(score: Double, isPositive: Bool)] = []

  mutating func add(_ arrays: [NDArray], count _: Int) throws(FirnError) {
    let (scores, labels) = (arrays[0].doubles, arrays[1].doubles)
    guard scores.count == labels.count else {
      throw FirnError(
        .shapeMismatch, "scores are \(Shape(arrays[0].shape)) and labels \(Shape(arrays[1].shape))",
        remedy: "give one score for each label, that of the positive class")
    }
    for (row, label) in labels.enumerated() {
      guard label == 0 || label == 1 else {
        throw FirnError(
          .indexOutOfRange, "row \(row) has label \(label), AUC knows 0 and 1",
          remedy: "give 1 for the class that the scores speak for and 0 for all others")
      }
      guard !scores[row].isNaN else {
        throw FirnError(.notFinite, "the score of row \(row) is nan", remedy: "look at the model")
      }
      rows.append((scores[row], label == 1))
    }
  }

  /// - Complexity: O(n log n) in the rows seen.
  var values: [MetricValue] {
    let sorted = rows.sorted { $0.score < $1.score }
    var (below, positives, area, start) = (0.0, 0.0, 0.0, 0)
    while start < sorted.count {
      var (up, down, end) = (0.0, 0.0, start)
      while end < sorted.count, sorted[end].score == sorted[start].score {
        if sorted[end].isPositive { up += 1 } else { down += 1 }
        end += 1
      }
      area += up * (below + down / 2)
      below += down
      positives += up
      start = end
    }
    return [MetricValue("", area / (positives * below))]
  }
}
