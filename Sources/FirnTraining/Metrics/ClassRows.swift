import FirnGraph

/// The rows of scores and labels of a batch, checked.
struct ClassRows {
  let scores: [Double]
  let labels: [Int]
  let classCount: Int

  /// - Parameters:
  ///   - scores: `[…, classes]`.
  ///   - labels: `[…]`, of whole numbers.
  ///   - ignored: a label whose rows do not count.
  /// - Throws: `.shapeMismatch`, `.typeMismatch`; `.indexOutOfRange` for a label that is no class.
  init(_ scores: NDArray, _ labels: NDArray, ignored: Int?) throws(FirnError) {
    guard let classes = scores.shape.last, Array(scores.shape.dropLast()) == labels.shape else {
      throw FirnError(
        .shapeMismatch, "scores are \(Shape(scores.shape)) and labels \(Shape(labels.shape))",
        remedy: "give one row of scores for each label")
    }
    guard labels.dtype == .i32 else {
      throw FirnError(
        .typeMismatch, "labels are \(labels.dtype)", remedy: "give the numbers of classes as `i32`")
    }
    self.scores = scores.doubles
    classCount = classes
    self.labels = labels.doubles.map { Int($0) }
    if let row = self.labels.firstIndex(where: { $0 != ignored && !(0..<classes).contains($0) }) {
      throw FirnError(
        .indexOutOfRange, "row \(row) has label \(self.labels[row]), there are \(classes) classes",
        remedy: "give labels from 0 to \(classes - 1)")
    }
  }

  func row(_ index: Int) -> ArraySlice<Double> {
    scores[(index * classCount)..<((index + 1) * classCount)]
  }

  /// The class of the largest score; of equal ones the first, and NaN counts as largest, as in `argmax`.
  func best(_ index: Int) -> Int {
    let row = row(index)
    var best = row.startIndex
    for place in row.indices.dropFirst() where !row[best].isNaN && !(row[place] <= row[best]) { best = place }
    return best - row.startIndex
  }

  /// How many classes are before a row's own, by score and then by number; a row of NaN has its class last.
  func rank(_ index: Int) -> Int {
    let row = row(index)
    let own = row[row.startIndex + labels[index]]
    if own.isNaN { return classCount }
    return row.enumerated().count { place, score in
      score.isNaN || score > own || (score == own && place < labels[index])
    }
  }
}
