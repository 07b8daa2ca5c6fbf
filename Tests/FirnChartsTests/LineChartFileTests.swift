import FirnCharts
import FirnGraph
import Foundation
import Testing

@Suite struct LineChartFileTests {
  @Test func chartsAreWrittenAsTheyAreDrawn() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let chart = LineChart(
      title: "Loss", xLabel: "step", yLabel: "nats", series: [.init("all", values: [2, 1])])
    let path = folder.path + "/loss.svg"
    try chart.write(to: path)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == chart.svg())
    let fault = #expect(throws: FirnError.self) { try chart.write(to: folder.path) }
    #expect(fault?.code == .file)
  }
}
