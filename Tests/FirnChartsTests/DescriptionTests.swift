import FirnCharts
import Testing

/// What tables and charts print.
@Suite struct DescriptionTests {
  private static let chart = LineChart(
    title: "Loss", xLabel: "step", yLabel: "cross-entropy",
    series: [.init("trained", values: [2, 1]), .init("frozen", values: [2])], logarithmicY: true)

  @Test(arguments: [
    ("\(CurveTable())", "no columns"),
    ("\(CurveTable(columns: [.init("step", [1, 2]), .init("loss", [0.5])]))", "2 rows: step, loss"),
    ("\(CurveTable(columns: [.init("loss", [0.5])]))", "1 row: loss"),
    ("\(chart)", "Loss, cross-entropy by step, logarithmic: trained (2 points), frozen (1 point)"),
    ("\(LineChart(title: "Loss", xLabel: "step", yLabel: "nats"))", "Loss, nats by step: no curves"),
  ]) func valuesPrintInWords(_ text: String, _ expected: String) { #expect(text == expected) }
}
