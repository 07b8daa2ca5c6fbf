import FirnGraph

/// The mean of a scalar over examples, or of its square root or exponential.
struct MeanAccumulator: MetricAccumulator {
  /// What is made of the mean in the end.
  enum Form { case mean, exponential }

  let form: Form
  private var sum = 0.0
  private var weight = 0.0

  init(_ form: Form) { self.form = form }

  /// - Parameter arrays: the mean over the batch, and, where there is another one, what it is weighted by.
  mutating func add(_ arrays: [NDArray], count: Int) throws(FirnError) {
    guard let mean = arrays[0].scalar else {
      throw FirnError(
        .notScalar, "a mean of batches is made of a scalar, this is \(Shape(arrays[0].shape))",
        remedy: "give `loss.mean()`")
    }
    let share = arrays.count > 1 ? arrays[1].doubles.reduce(0, +) : Double(count)
    if share == 0 { return }
    sum += share * mean
    weight += share
  }

  var values: [MetricValue] {
    let mean = sum / weight
    return [MetricValue("", form == .mean ? mean : RealMath.exponential(mean))]
  }
}
