/// How a curve is told from the others: by colour, by dashes and, from the ninth on, by marks.
///
/// The dashes and marks alone are enough for forty curves, and the shapes of single points for eight, so
/// nothing rests on seeing colours. The colours are those of M. Okabe and K. Ito and of P. Tol, darkened to
/// three times the background's contrast or more.
struct ChartStyle {
  /// The shape that is set on a curve at intervals.
  enum Mark: CaseIterable {
    case none
    case circle
    case square
    case triangle
    case diamond
  }

  let color: String
  /// The SVG dash array, or `nil` for an unbroken line.
  let dashes: String?
  let mark: Mark
  /// The shape of a point that no line joins to another, and whether it is hollow.
  let point: (shape: Mark, isHollow: Bool)

  /// The style of the curve at a position in the chart.
  init(index: Int) {
    let marks = Mark.allCases
    color = ChartStyle.colors[index % ChartStyle.colors.count]
    dashes = ChartStyle.dashPatterns[index % ChartStyle.dashPatterns.count]
    mark = marks[index / ChartStyle.dashPatterns.count % marks.count]
    point = (marks[1 + index % (marks.count - 1)], index / (marks.count - 1) % 2 == 1)
  }

  // Seven colours against eight dash patterns, so that both together repeat late.
  private static let colors = ["#0072B2", "#D55E00", "#00845F", "#AA3377", "#333333", "#A87000", "#3A92C4"]

  private static let dashPatterns: [String?] = [
    nil, "8 4", "2 3", "10 3 2 3", "16 5", "10 3 2 3 2 3", "5 8", "16 4 5 4",
  ]

  /// The mark as an SVG element, or an empty text.
  func markElement(x: Double, y: Double) -> String {
    element(mark, paint: "fill=\"\(color)\"", x: x, y: y)
  }

  /// A single point as an SVG element.
  func pointElement(x: Double, y: Double) -> String {
    let hollow = "fill=\"#FFFFFF\" stroke=\"\(color)\" stroke-width=\"1.5\""
    return element(point.shape, paint: point.isHollow ? hollow : "fill=\"\(color)\"", x: x, y: y)
  }

  private func element(_ shape: Mark, paint: String, x: Double, y: Double) -> String {
    let (left, right) = (SVGText.number(x - 3.5), SVGText.number(x + 3.5))
    let (top, bottom) = (SVGText.number(y - 3.5), SVGText.number(y + 3.5))
    let (middleX, middleY) = (SVGText.number(x), SVGText.number(y))
    let points: String
    switch shape {
    case .none: return ""
    case .circle: return "<circle cx=\"\(middleX)\" cy=\"\(middleY)\" r=\"3.5\" \(paint)/>"
    case .square: points = "\(left),\(top) \(right),\(top) \(right),\(bottom) \(left),\(bottom)"
    case .triangle: points = "\(middleX),\(top) \(right),\(bottom) \(left),\(bottom)"
    case .diamond: points = "\(middleX),\(top) \(right),\(middleY) \(middleX),\(bottom) \(left),\(middleY)"
    }
    return "<polygon points=\"\(points)\" \(paint)/>"
  }
}
