public import FirnGraph
internal import FirnNotation

/// How often each class was taken for each.
///
/// Definitions are scikit-learn's `confusion_matrix` and `precision_recall_fscore_support`; where those divide by 0
/// there is NaN here, since nothing was measured.
public struct ConfusionMatrix: Hashable, Sendable {
  /// Row by row: `counts[actual][predicted]`.
  public private(set) var counts: [[Int]]

  /// A matrix that has seen nothing.
  ///
  /// - Parameter classes: how many there are; at least one is taken.
  public init(classes: Int) {
    let classes = max(1, classes)
    counts = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
  }

  /// The number of classes.
  public var classCount: Int { counts.count }
  /// The number of rows it has seen.
  public var total: Int { counts.reduce(0) { $0 + $1.reduce(0, +) } }

  /// Takes a row in.
  ///
  /// - Throws: `.indexOutOfRange` for what is no class.
  public mutating func add(actual: Int, predicted: Int) throws(FirnError) {
    guard counts.indices.contains(actual), counts.indices.contains(predicted) else {
      throw FirnError(
        .indexOutOfRange, "class \(actual), taken for \(predicted): there are \(classCount) classes",
        remedy: "make the matrix of more classes, or look at the labels")
    }
    counts[actual][predicted] += 1
  }

  /// The share of rows on the diagonal; NaN where there are none.
  public var accuracy: Double { Self.share(counts.indices.reduce(0) { $0 + counts[$1][$1] }, of: total) }

  /// Of the rows taken for this class, the share that are of it; NaN where none was, and for what is no class.
  public func precision(of label: Int) -> Double {
    guard counts.indices.contains(label) else { return .nan }
    return Self.share(counts[label][label], of: counts.reduce(0) { $0 + $1[label] })
  }

  /// Of the rows of this class, the share taken for it; NaN where there are none, and for what is no class.
  public func recall(of label: Int) -> Double {
    guard counts.indices.contains(label) else { return .nan }
    return Self.share(counts[label][label], of: counts[label].reduce(0, +))
  }

  /// 0 divided by 0 has a sign on some processors, which is printed.
  private static func share(_ count: Int, of total: Int) -> Double {
    total == 0 ? .nan : Double(count) / Double(total)
  }
}

extension ConfusionMatrix: CustomStringConvertible {
  /// A table: a row for each class, a column for what it was taken for, then precision and recall.
  public var description: String {
    let titles = ["actual"] + counts.indices.map { "\($0)" } + ["precision", "recall"]
    func share(_ value: Double) -> String { value.isNaN ? "–" : NumberFormat.fixed(value, digits: 3) }
    let rows = counts.indices.map { label in
      ["\(label)"] + counts[label].map { NumberFormat.count($0) }
        + [share(precision(of: label)), share(recall(of: label))]
    }
    let widths = titles.indices.map { column in ([titles] + rows).map { $0[column].count }.max() ?? 0 }
    return ([titles] + rows).map { row in
      row.indices.map { String(repeating: " ", count: widths[$0] - row[$0].count) + row[$0] }
        .joined(separator: "  ")
    }.joined(separator: "\n")
  }
}
