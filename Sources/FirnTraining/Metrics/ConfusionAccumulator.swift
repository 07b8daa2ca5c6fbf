import FirnGraph

/// The confusion matrix of scores and labels; its numbers are accuracy, then precision and recall of each class.
struct ConfusionAccumulator: MetricAccumulator {
  let ignored: Int?
  /// Nil before the first batch, which says how many classes there are.
  private(set) var matrix: ConfusionMatrix?

  init(ignored: Int?) { self.ignored = ignored }

  mutating func add(_ arrays: [NDArray], count _: Int) throws(FirnError) {
    let rows = try ClassRows(arrays[0], arrays[1], ignored: ignored)
    var matrix = self.matrix ?? ConfusionMatrix(classes: rows.classCount)
    for row in rows.labels.indices where rows.labels[row] != ignored {
      try matrix.add(actual: rows.labels[row], predicted: rows.best(row))
    }
    self.matrix = matrix
  }

  var values: [MetricValue] {
    guard let matrix else { return [MetricValue("accuracy", .nan)] }
    let classes = 0..<matrix.classCount
    return [MetricValue("accuracy", matrix.accuracy)]
      + classes.map { MetricValue("precision/\($0)", matrix.precision(of: $0)) }
      + classes.map { MetricValue("recall/\($0)", matrix.recall(of: $0)) }
  }
}
