import FirnGraph
import FirnOps
import FirnRuntime
import Foundation
import Testing

@testable import FirnTraining

/// Metrics over batches of any size, the last one smaller, against scikit-learn's numbers over all rows.
///
/// `Fixtures/make_metrics.py` made them.
@Suite struct MetricTests {
  private struct Fixture: Decodable {
    let scores: [[Double]]
    let labels: [Int32]
    let binaryScores: [Double]
    let binary: [Int32]
    let targets: [[Double]]
    let predictions: [[Double]]
    let losses: [Double]
    let accuracy: Double
    let top2: Double
    let confusion: [[Int]]
    let precision: [Double]
    let recall: [Double]
    let auc: Double
    let mae: Double
    let rmse: Double
    let r2: Double
    let perplexity: Double
  }

  private let fixture: Fixture

  init() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/metrics.json"))
    fixture = try JSONDecoder().decode(Fixture.self, from: data)
  }

  /// Of one row there is no spread to explain.
  @Test func oneRowHasNoShareExplained() throws {
    let graph = Graph()
    let targets = graph.placeholder("targets", shape: ["batch"], dtype: .f64)
    let predictions = graph.placeholder("predictions", shape: ["batch"], dtype: .f64)
    let judge = try Evaluator([.rSquared(predictions, targets: targets)], in: quietSession(graph))
    func share(_ rows: Int) throws -> Double? {
      let data = try DataSet([
        targets: NDArray((0..<rows).map { Double($0) }), predictions: NDArray((0..<rows).map { Double($0) }),
      ])
      return try judge.evaluate(data.inBatches(of: 4)).values.first?.value
    }
    #expect(try share(1)?.isNaN == true)
    #expect(try share(2) == 1)
  }

  @Test(arguments: [1, 4, 5, 22, 23, 100]) func wholeSetsAreMeasured(_ size: Int) throws {
    let graph = Graph()
    let scores = graph.placeholder("scores", shape: ["batch", 4], dtype: .f64)
    let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    let binaryScores = graph.placeholder("binary_scores", shape: ["batch"], dtype: .f64)
    let binary = graph.placeholder("binary", shape: ["batch"], dtype: .i32)
    let targets = graph.placeholder("targets", shape: ["batch", 2], dtype: .f64)
    let predictions = graph.placeholder("predictions", shape: ["batch", 2], dtype: .f64)
    let losses = graph.placeholder("losses", shape: ["batch"], dtype: .f64)
    let loss = losses.mean()
    let session = try quietSession(graph)
    let judge = try Evaluator(
      [
        .mean(of: loss), .perplexity(of: loss), .accuracy(scores, labels: labels),
        .topK(2, scores, labels: labels), .confusionMatrix(scores, labels: labels),
        .auc(binaryScores, labels: binary), .meanAbsoluteError(predictions, targets: targets),
        .rootMeanSquaredError(predictions, targets: targets), .rSquared(predictions, targets: targets),
      ], in: session)
    let rows = fixture.labels.count
    let data = try DataSet([
      scores: NDArray(fixture.scores.flatMap { $0 }, shape: [rows, 4]), labels: NDArray(fixture.labels),
      binaryScores: NDArray(fixture.binaryScores), binary: NDArray(fixture.binary),
      targets: NDArray(fixture.targets.flatMap { $0 }, shape: [rows, 2]),
      predictions: NDArray(fixture.predictions.flatMap { $0 }, shape: [rows, 2]),
      losses: NDArray(fixture.losses),
    ])
    // In their order and in another one.
    for seed in [nil, 3 as UInt64?] {
      let found = try judge.evaluate(data.inBatches(of: size, seed: seed))
      func expect(_ name: String, _ value: Double) {
        let own = found[name] ?? .infinity
        #expect(abs(own - value) <= 1e-12 * max(1, abs(value)), "\(name): \(own), not \(value)")
      }
      expect("loss", fixture.losses.reduce(0, +) / Double(rows))
      expect("perplexity", fixture.perplexity)
      expect("accuracy", fixture.accuracy)
      expect("top-2", fixture.top2)
      expect("confusion/accuracy", fixture.accuracy)
      for label in 0..<4 {
        expect("confusion/precision/\(label)", fixture.precision[label])
        expect("confusion/recall/\(label)", fixture.recall[label])
      }
      expect("AUC", fixture.auc)
      expect("MAE", fixture.mae)
      expect("RMSE", fixture.rmse)
      expect("R²", fixture.r2)
      #expect(found.confusionMatrix?.counts == fixture.confusion && found.exampleCount == rows)
    }
  }

  /// Weights count instead of examples; rows of an ignored label do not.
  @Test func paddingDoesNotCount() throws {
    let graph = Graph()
    let scores = graph.placeholder("scores", shape: ["batch", "time", 3])
    let labels = graph.placeholder("labels", shape: ["batch", "time"], dtype: .i32)
    let values = graph.placeholder("values", shape: ["batch", "time"])
    let mask = graph.placeholder("mask", shape: ["batch", "time"])
    let mean = (values * mask).sum() / mask.sum()
    let session = try quietSession(graph)
    let judge = try Evaluator(
      [.mean(of: mean, weightedBy: mask), .accuracy(scores, labels: labels, ignoring: -1)], in: session)
    let data = try DataSet([
      scores: noise([5, 4, 3]), labels: NDArray((0..<20).map { Int32($0 % 4) - 1 }, shape: [5, 4]),
      values: noise([5, 4], "values"),
      mask: NDArray((0..<20).map { Float($0 % 3 == 0 ? 0 : 1) }, shape: [5, 4]),
    ])
    let all = try judge.evaluate(data.inBatches(of: 5))
    let parts = try judge.evaluate(data.inBatches(of: 2))
    for name in ["loss", "accuracy"] {
      #expect(abs((all[name] ?? 0) - (parts[name] ?? 9)) < 1e-6)
    }
    let (rows, own) = (
      try data.array(of: scores).reshaped(to: [20, 3]).rows, try data.array(of: labels).floats
    )
    let counted = own.indices.filter { own[$0] >= 0 }
    let hits = counted.count { index in
      rows[index].firstIndex(of: rows[index].max() ?? 0) == Int(own[index])
    }
    #expect(all["accuracy"] == Double(hits) / Double(counted.count))
  }

  @Test func tiesAndNaNAreAsInArgmax() throws {
    let rows = try ClassRows(
      NDArray([1, 1, 0, .nan, 2, 3, 0, .nan, .nan] as [Double], shape: [3, 3]),
      NDArray([0, 2, 1] as [Int32]),
      ignored: nil)
    #expect((0..<3).map { rows.best($0) } == [0, 0, 1] as [Int])
    #expect(rows.rank(0) == 0 && rows.rank(1) == 1 && rows.rank(2) == 3)
  }

  @Test func faultsNameTheMetricAndTheRow() throws {
    let graph = Graph()
    let scores = graph.placeholder("scores", shape: ["batch", 3])
    let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    let session = try quietSession(graph)
    let judge = try Evaluator([.accuracy(scores, labels: labels)], in: session)
    let data = try DataSet([scores: noise([4, 3]), labels: NDArray([0, 1, 3, 2] as [Int32])])
    let fault = try error { _ = try judge.evaluate(data.inBatches(of: 4)) }
    #expect(fault.code == .indexOutOfRange && fault.message.contains("row 2 has label 3"))
    #expect(fault.place == "accuracy")
    #expect(
      try error { _ = try judge.evaluate(SequenceBatches { _ in [Batch]() }) }.code == .invalidArgument)
    #expect(
      try error {
        _ = try Evaluator(
          [.accuracy(scores, labels: labels), .accuracy(scores, labels: labels)], in: session)
      }.code == .duplicateName)
    #expect(session.runs == 0)
  }

  @Test func aMatrixPrintsAsATable() throws {
    var matrix = ConfusionMatrix(classes: 2)
    try matrix.add(actual: 0, predicted: 0)
    try matrix.add(actual: 0, predicted: 1)
    #expect(
      matrix.description == """
        actual  0  1  precision  recall
             0  1  1      1.000   0.500
             1  0  0      0.000       –
        """)
    #expect(throws: FirnError.self) { try matrix.add(actual: 2, predicted: 0) }
    // A share of nothing is no number, whatever sign the processor gives it.
    for share in [matrix.recall(of: 1), ConfusionMatrix(classes: 1).accuracy] { #expect("\(share)" == "nan") }
    #expect("\(ConfusionMatrix(classes: 1).precision(of: 0))" == "nan")
  }
}
