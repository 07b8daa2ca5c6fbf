import FirnGraph

/// The share of rows whose label is among the k largest scores.
struct TopKAccumulator: MetricAccumulator {
  let k: Int
  let ignored: Int?
  private var hits = 0
  private var count = 0

  init(k: Int, ignored: Int?) {
    self.k = k
    self.ignored = ignored
  }

  mutating func add(_ arrays: [NDArray], count _: Int) throws(FirnError) {
    let rows = try ClassRows(arrays[0], arrays[1], ignored: ignored)
    for row in rows.labels.indices where rows.labels[row] != ignored {
      count += 1
      // The best by `argmax`, for which a NaN is a class's vote.
      if k == 1 ? rows.best(row) == rows.labels[row] : rows.rank(row) < k { hits += 1 }
    }
  }

  var values: [MetricValue] { [MetricValue("", Double(hits) / Double(count))] }
}
