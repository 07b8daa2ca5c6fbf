/// The drawing of a line chart: the places of its parts, and the elements that make them.
struct SVGDrawing {
  private struct Pixel: Hashable {
    var x: Double
    var y: Double
  }

  /// A curve in the picture's coordinates, broken at its gaps.
  private struct Curve {
    var index: Int
    var name: String
    var style: ChartStyle
    var runs: [[Pixel]]
  }

  /// The SVG file.
  private(set) var text = ""

  private let chart: LineChart
  private let xAxis: ChartAxis
  private let yAxis: ChartAxis
  private let titleLines: [String]
  private let legendNames: [String]
  private let left: Double
  private let right: Double
  private let top: Double
  private let bottom: Double
  private let height: Double

  private static let width = 800.0
  private static let leastPlotHeight = 330.0
  private static let titleSize = 18.0
  /// How much wider bold text is.
  private static let boldness = 1.12
  private static let textSize = 13.0
  private static let tickSize = 12.0
  private static let legendSpacing = 19.0
  /// From the plot's edge to the text of the legend: a leader, a sample of the line, a space.
  private static let legendIndent = 54.0
  private static let ink = "#1F2430"
  private static let mutedInk = "#555B66"

  init(of chart: LineChart) {
    self.chart = chart
    let isDrawable = SVGDrawing.isDrawable(logarithmicY: chart.logarithmicY)
    let points = chart.series.flatMap { $0.points.filter(isDrawable) }
    xAxis = ChartAxis(linear: points.map(\.x), tickCount: 7, snaps: false)
    let heights = points.map(\.y)
    yAxis =
      chart.logarithmicY
      ? ChartAxis(logarithmic: heights, tickCount: 7) : ChartAxis(linear: heights, tickCount: 6, snaps: true)

    legendNames = chart.series.map { series in
      let name = series.points.contains(where: isDrawable) ? series.name : series.name + " (no data)"
      return SVGText.truncated(name, fontSize: SVGDrawing.textSize, to: 210)
    }
    let nameWidth = legendNames.map { SVGText.estimatedWidth(of: $0, fontSize: SVGDrawing.textSize) }.max()
    let labelWidth = yAxis.ticks.map { SVGText.estimatedWidth(of: $0.label, fontSize: SVGDrawing.tickSize) }
      .max()
    left = 24 + (labelWidth ?? 0)
    right = SVGDrawing.width - (nameWidth.map { $0 + SVGDrawing.legendIndent + 12 } ?? 28)
    titleLines = SVGText.wrapped(
      chart.title, fontSize: SVGDrawing.titleSize * SVGDrawing.boldness, to: SVGDrawing.width - 32)
    top = 24 + Double(titleLines.count) * 24 + (chart.yLabel.isEmpty ? 0 : 20)
    let legendHeight = Double(legendNames.count) * SVGDrawing.legendSpacing
    bottom = top + max(SVGDrawing.leastPlotHeight, legendHeight)
    height = bottom + (chart.xLabel.isEmpty ? 36 : 58)
    text = file()
  }

  private static func isDrawable(logarithmicY: Bool) -> (LineChart.Point) -> Bool {
    { $0.x.isFinite && $0.y.isFinite && (!logarithmicY || $0.y > 0) }
  }

  private func file() -> String {
    let curves = curves()
    let size = "width=\"\(number(SVGDrawing.width))\" height=\"\(number(height))\""
    let box = "viewBox=\"0 0 \(number(SVGDrawing.width)) \(number(height))\""
    let families = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
    let summary = summary()
    // Several charts may be put into one page, where an identifier must not occur twice.
    let key = SVGDrawing.key(of: chart.title + summary)
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) \(box) role=\"img\" "
        + "aria-labelledby=\"title-\(key) desc-\(key)\" font-family=\"\(families)\">",
      "<title id=\"title-\(key)\">\(SVGText.escaped(chart.title))</title>",
      "<desc id=\"desc-\(key)\">\(SVGText.escaped(summary))</desc>",
      "<rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>",
    ]
    lines += headings() + grid()
    if curves.allSatisfy(\.runs.isEmpty) {
      lines.append(
        textElement(
          "No data", x: (left + right) / 2, y: (top + bottom) / 2, size: SVGDrawing.textSize,
          color: SVGDrawing.mutedInk, anchor: "middle"))
    }
    lines += curves.flatMap(elements(of:)) + legend(of: curves)
    lines.append("</svg>")
    return lines.map { $0 + "\n" }.joined()
  }

  private func headings() -> [String] {
    var lines = titleLines.enumerated().map { index, line in
      textElement(
        line, x: 16, y: 28 + Double(index) * 24, size: SVGDrawing.titleSize, color: SVGDrawing.ink,
        anchor: "start",
        extra: " font-weight=\"600\"")
    }
    if !chart.yLabel.isEmpty {
      let note = chart.logarithmicY ? " (logarithmic)" : ""
      let label = SVGText.truncated(
        chart.yLabel + note, fontSize: SVGDrawing.textSize, to: SVGDrawing.width - 32)
      lines.append(
        textElement(
          label, x: 16, y: top - 14, size: SVGDrawing.textSize, color: SVGDrawing.mutedInk, anchor: "start"))
    }
    if !chart.xLabel.isEmpty {
      let label = SVGText.truncated(chart.xLabel, fontSize: SVGDrawing.textSize, to: right - left)
      lines.append(
        textElement(
          label, x: (left + right) / 2, y: bottom + 44, size: SVGDrawing.textSize, color: SVGDrawing.mutedInk,
          anchor: "middle"))
    }
    return lines
  }

  private func grid() -> [String] {
    var lines: [String] = []
    for tick in yAxis.ticks {
      let y = place(y: tick.value)
      lines.append(lineElement(left, y, right, y, color: "#E3E6EB", width: 1))
      lines.append(
        textElement(
          tick.label, x: left - 8, y: y + 4, size: SVGDrawing.tickSize, color: SVGDrawing.mutedInk,
          anchor: "end"))
    }
    for tick in xAxis.ticks {
      let x = place(x: tick.value)
      lines.append(lineElement(x, top, x, bottom, color: "#F0F2F5", width: 1))
      lines.append(lineElement(x, bottom, x, bottom + 5, color: "#8A919E", width: 1))
      lines.append(
        textElement(
          tick.label, x: x, y: bottom + 20, size: SVGDrawing.tickSize, color: SVGDrawing.mutedInk,
          anchor: "middle"))
    }
    lines.append(lineElement(left, bottom, right, bottom, color: "#8A919E", width: 1))
    return lines
  }

  private func curves() -> [Curve] {
    let isDrawable = SVGDrawing.isDrawable(logarithmicY: chart.logarithmicY)
    return chart.series.enumerated().map { index, series in
      let runs = series.points.split { !isDrawable($0) }.map { run in
        SVGDrawing.thinned(run.map { Pixel(x: place(x: $0.x), y: place(y: $0.y)) })
      }
      return Curve(index: index, name: series.name, style: ChartStyle(index: index), runs: runs)
    }
  }

  /// The run with no more than four points for each half pixel of width: the first, lowest, highest and last.
  ///
  /// The picture is the same to the eye, and its size does not grow with the number of steps.
  private static func thinned(_ run: [Pixel]) -> [Pixel] {
    guard run.count > 1000 else { return run }
    func column(_ index: Int) -> Double { (run[index].x * 2).rounded(.down) }
    var result: [Pixel] = []
    var start = 0
    while start < run.count {
      var end = start + 1
      var (lowest, highest) = (start, start)
      while end < run.count && column(end) == column(start) {
        if run[end].y > run[lowest].y { lowest = end }
        if run[end].y < run[highest].y { highest = end }
        end += 1
      }
      result += Set([start, lowest, highest, end - 1]).sorted().map { run[$0] }
      start = end
    }
    return result
  }

  private func elements(of curve: Curve) -> [String] {
    guard !curve.runs.isEmpty else { return [] }
    var lines = ["<g><title>\(SVGText.escaped(curve.name))</title>"]
    let path = curve.runs.filter { $0.count > 1 }.map { run in
      "M" + run.map { "\(number($0.x)) \(number($0.y))" }.joined(separator: "L")
    }
    if !path.isEmpty {
      let line = lineAttributes(curve.style)
      lines.append("<path d=\"\(path.joined())\" fill=\"none\" \(line) stroke-linejoin=\"round\"/>")
    }
    lines += curve.runs.filter { $0.count == 1 }.map { curve.style.pointElement(x: $0[0].x, y: $0[0].y) }
    if curve.style.mark != .none {
      let pixels = curve.runs.flatMap { $0 }
      let spacing = max(1, pixels.count / 6)
      // The marks of neighbouring curves start at different places, so as not to cover each other.
      lines += stride(from: curve.index * 3 % 8 * spacing / 8, to: pixels.count, by: spacing).map {
        curve.style.markElement(x: pixels[$0].x, y: pixels[$0].y)
      }
    }
    lines.append("</g>")
    return lines
  }

  private func legend(of curves: [Curve]) -> [String] {
    let ends = curves.map { $0.runs.last?.last }
    let order = curves.indices.sorted { (ends[$0]?.y ?? bottom, $0) < (ends[$1]?.y ?? bottom, $1) }
    let places = SVGDrawing.spread(
      order.map { ends[$0]?.y ?? bottom }, spacing: SVGDrawing.legendSpacing, from: top + 6, to: bottom - 6)
    var lines: [String] = []
    for (index, y) in zip(order, places) {
      let style = curves[index].style
      if let end = ends[index], end.x > right - 1 {
        lines.append(lineElement(right + 2, end.y, right + 12, y, color: style.color, width: 1))
      }
      let (start, stop, height) = (number(right + 14), number(right + 46), number(y))
      let runs = curves[index].runs
      if runs.isEmpty || runs.contains(where: { $0.count > 1 }) {
        let place = "x1=\"\(start)\" y1=\"\(height)\" x2=\"\(stop)\" y2=\"\(height)\""
        lines.append("<line \(place) \(lineAttributes(style))/>")
      }
      if runs.contains(where: { $0.count == 1 }) { lines.append(style.pointElement(x: right + 30, y: y)) }
      lines.append(style.markElement(x: right + 30, y: y))
      lines.append(
        textElement(
          legendNames[index], x: right + SVGDrawing.legendIndent, y: y + 4.5, size: SVGDrawing.textSize,
          color: SVGDrawing.ink, anchor: "start"))
    }
    return lines.filter { !$0.isEmpty }
  }

  /// The places nearest to the wished ones, which ascend, that keep a distance and stay between the limits.
  private static func spread(
    _ wished: [Double], spacing: Double, from first: Double, to last: Double
  ) -> [Double] {
    // Wishes that collide become one block about their mean, which may then collide with the block before.
    var blocks: [(start: Double, count: Int)] = []
    for wish in wished {
      var block = (start: wish, count: 1)
      while let previous = blocks.last, previous.start + Double(previous.count) * spacing > block.start {
        let count = previous.count + block.count
        let ownStart = block.start - Double(previous.count) * spacing
        let total = previous.start * Double(previous.count) + ownStart * Double(block.count)
        block = (total / Double(count), count)
        blocks.removeLast()
      }
      blocks.append(block)
    }
    var places = blocks.flatMap { block in (0..<block.count).map { block.start + Double($0) * spacing } }
    for index in places.indices {
      places[index] = max(places[index], index == 0 ? first : places[index - 1] + spacing)
    }
    for index in places.indices.reversed() {
      places[index] = min(places[index], index == places.count - 1 ? last : places[index + 1] - spacing)
    }
    return places
  }

  private func summary() -> String {
    let count = chart.series.count
    let curves = count == 1 ? "1 curve" : "\(count) curves"
    var sentences = ["Line chart of \(chart.yLabel) against \(chart.xLabel) with \(curves)."]
    let isDrawable = SVGDrawing.isDrawable(logarithmicY: chart.logarithmicY)
    for series in chart.series {
      let points = series.points.filter(isDrawable)
      let heights = points.map(\.y)
      guard let first = points.first, let last = points.last, let least = heights.min(),
        let greatest = heights.max()
      else {
        sentences.append("\(series.name): no data.")
        continue
      }
      sentences.append(
        "\(series.name): \(points.count) \(points.count == 1 ? "point" : "points"), "
          + "from \(words(first.y)) at \(words(first.x)) to \(words(last.y)) at \(words(last.x)), "
          + "between \(words(least)) and \(words(greatest)).")
    }
    return sentences.joined(separator: " ")
  }

  private func words(_ value: Double) -> String {
    DecimalNumber(rounding: value, significantDigits: 4).text
  }

  /// A short name that depends on the text alone (FNV-1a).
  private static func key(of text: String) -> String {
    let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    return String(hash, radix: 36)
  }

  private func place(x: Double) -> Double { left + xAxis.fraction(of: x) * (right - left) }

  private func place(y: Double) -> Double { bottom - yAxis.fraction(of: y) * (bottom - top) }

  private func number(_ value: Double) -> String { SVGText.number(value) }

  private func lineAttributes(_ style: ChartStyle) -> String {
    "stroke=\"\(style.color)\" stroke-width=\"2\""
      + (style.dashes.map { " stroke-dasharray=\"\($0)\"" } ?? "")
  }

  private func lineElement(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, color: String, width: Double
  ) -> String {
    "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" "
      + "stroke=\"\(color)\" stroke-width=\"\(number(width))\"/>"
  }

  private func textElement(
    _ text: String, x: Double, y: Double, size: Double, color: String, anchor: String, extra: String = ""
  ) -> String {
    "<text x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(number(size))\" fill=\"\(color)\" "
      + "text-anchor=\"\(anchor)\"\(extra)>\(SVGText.escaped(text))</text>"
  }
}
