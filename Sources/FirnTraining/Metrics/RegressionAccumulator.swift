import FirnGraph

/// Errors of numbers told against numbers that came.
struct RegressionAccumulator: MetricAccumulator {
  /// Which error.
  enum Form { case meanAbsolute, rootMeanSquare, rSquared }

  let form: Form
  private var count = 0.0
  private var absolute = 0.0
  private var squares = 0.0
  /// Mean and sum of squared distances from it, of each column of the targets, by Welford's recurrence: sums of squares
  /// would cancel.
  private var means: [Double] = []
  private var spreads: [Double] = []
  private var columnErrors: [Double] = []
  private var rowCount = 0.0

  init(_ form: Form) { self.form = form }

  mutating func add(_ arrays: [NDArray], count _: Int) throws(FirnError) {
    let (told, came) = (arrays[0], arrays[1])
    guard told.shape == came.shape else {
      throw FirnError(
        .shapeMismatch, "predictions are \(Shape(told.shape)) and targets \(Shape(came.shape))",
        remedy: "reshape one to the other's shape: each element is held against its own")
    }
    let columns = max(1, came.shape.dropFirst().reduce(1, *))
    if means.isEmpty {
      means = [Double](repeating: 0, count: columns)
      (spreads, columnErrors) = (means, means)
    }
    guard columns == means.count else {
      throw FirnError(
        .shapeMismatch, "targets of \(columns) columns after batches of \(means.count)",
        remedy: "give batches of one form")
    }
    let (predictions, targets) = (told.doubles, came.doubles)
    for start in stride(from: 0, to: targets.count, by: columns) {
      rowCount += 1
      for column in 0..<columns {
        let (target, error) = (targets[start + column], predictions[start + column] - targets[start + column])
        absolute += error.magnitude
        squares += error * error
        columnErrors[column] += error * error
        let distance = target - means[column]
        means[column] += distance / rowCount
        spreads[column] += distance * (target - means[column])
      }
    }
    count += Double(targets.count)
  }

  var values: [MetricValue] {
    let value =
      switch form {
      case .meanAbsolute: absolute / count
      case .rootMeanSquare: (squares / count).squareRoot()
      // The mean over columns, as scikit-learn's `r2_score`; constant targets have 1 if met exactly, else 0, and one row
      // has none, as there.
      case .rSquared:
        rowCount < 2
          ? .nan
          : means.indices.reduce(0.0) { sum, column in
            sum
              + (spreads[column] == 0
                ? (columnErrors[column] == 0 ? 1 : 0) : 1 - columnErrors[column] / spreads[column])
          } / Double(means.count)
      }
    return [MetricValue("", value)]
  }
}
