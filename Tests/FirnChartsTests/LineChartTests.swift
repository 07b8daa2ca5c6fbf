import Foundation
import Testing

@testable import FirnCharts

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct LineChartTests {
  private static func chart(_ series: [LineChart.Series], logarithmicY: Bool = false) -> LineChart {
    LineChart(title: "Loss", xLabel: "step", yLabel: "nats", series: series, logarithmicY: logarithmicY)
  }

  private static let odd: [LineChart] = [
    chart([]),
    chart([.init("empty", points: [])]),
    chart([.init("one", points: [.init(3, 4)])]),
    chart([.init("constant", values: [5, 5, 5])]),
    chart([.init("zero", values: [0, 0])], logarithmicY: true),
    chart([.init("gaps", values: [1, .nan, 2, .infinity, 3, 2, -.infinity])]),
    chart([.init("only gaps", values: [.nan, .nan])]),
    chart([.init("huge", points: [.init(-1.7e308, -1.7e308), .init(1.7e308, .greatestFiniteMagnitude)])]),
    chart([.init("tiny", values: [.leastNonzeroMagnitude, .leastNormalMagnitude / 8, 2e-300])]),
    chart([.init("tiny", values: [.leastNonzeroMagnitude, 1e300])], logarithmicY: true),
    chart([.init("all tiny", values: [1e-291, 2e-291])], logarithmicY: true),
    chart([.init("close", values: [1e9, 1e9 + 1e-6, 1e9])]),
    chart([.init("close", values: [1e15, 1e15 + 1])], logarithmicY: true),
    chart((0..<60).map { .init("curve \($0)", values: [1, Double($0), 3]) }),
  ]

  @Test(arguments: odd)
  func everyChartIsWellFormedAndFinite(_ chart: LineChart) throws {
    let svg = chart.svg()
    let document = try SVGDocument(svg)
    #expect(document.root == "svg")
    let summary = try #require(document.texts["desc"]?.first)
    #expect(!summary.isEmpty)
    #expect(document.texts["title"]?.first == "Loss")
    for attribute in ["x", "y", "x1", "y1", "x2", "y2", "cx", "cy"] {
      let values = document.values(of: attribute).map { Double($0) ?? .nan }
      #expect(values.allSatisfy { $0 >= -1 && $0 <= 2000 }, "\(attribute) leaves the picture")
    }
    #expect(!document.values(of: "d").contains { $0.contains("n") || $0.contains("e") })
    #expect(document.values(of: "href").isEmpty && !svg.contains("<script"))
    #expect(svg == chart.svg())
  }

  @Test func textIsEscaped() throws {
    let name = "a<b> & \"c\" 'd' \u{1}é漢"
    let document = try SVGDocument(
      LineChart(title: name, xLabel: name, yLabel: name, series: [.init(name, values: [1, 2])]).svg())
    let shown = name.replacingOccurrences(of: "\u{1}", with: "\u{FFFD}")
    #expect(document.texts["title"]?.allSatisfy { $0 == shown } == true)
    #expect(document.texts["text"]?.filter { $0 == shown }.count == 4)
  }

  @Test func valuesThatCannotBeDrawnAreGaps() throws {
    let linear = try SVGDocument(Self.chart([.init("a", values: [1, 2, .nan, 3, 4, .infinity, 5, 6])]).svg())
    #expect(linear.values(of: "d").first?.filter { $0 == "M" }.count == 3)
    let logarithmic = try SVGDocument(
      Self.chart([.init("a", values: [1, 2, 0, 3, 4, -1, 5, 6])], logarithmicY: true).svg())
    #expect(logarithmic.values(of: "d").first?.filter { $0 == "M" }.count == 3)
  }

  @Test func curvesDifferWithoutTheirColours() {
    let styles = (0..<40).map { ChartStyle(index: $0) }
    #expect(Set(styles.map { "\($0.dashes ?? "unbroken") \($0.mark)" }).count == 40)
    #expect(Set(styles.prefix(8).map { "\($0.point)" }).count == 8)
  }

  @Test func legendStandsBesideThePlotWithoutOverlap() throws {
    let chart = Self.chart((0..<30).map { .init("curve \($0)", values: [1, 2]) })
    let document = try SVGDocument(chart.svg())
    let entries = document.elements.filter {
      $0.name == "text" && $0.text.hasPrefix("curve") && $0.attributes["text-anchor"] == "start"
    }
    #expect(entries.count == 30)
    let heights = entries.compactMap { $0.attributes["y"].flatMap(Double.init) }.sorted()
    #expect(zip(heights, heights.dropFirst()).allSatisfy { $1 - $0 > 18.9 })
    let edge = document.values(of: "d").flatMap { $0.split { "ML".contains($0) } }
      .compactMap { $0.split(separator: " ").first.flatMap { Double($0) } }.max()
    let starts = entries.compactMap { $0.attributes["x"].flatMap(Double.init) }
    #expect(try starts.allSatisfy { $0 > (try #require(edge)) })
  }

  @Test func sizeDoesNotGrowWithTheNumberOfSteps() {
    let values = (0..<200_000).map { Double($0 * 7919 % 1009) }
    let svg = Self.chart([.init("noise", values: values)]).svg()
    #expect(svg.utf8.count < 120_000)
  }
}
