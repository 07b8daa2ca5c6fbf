extension LineChart {
  /// The chart as an SVG file, without scripts and without anything to load.
  ///
  /// Each curve has a colour and a dash pattern of its own, and its name at the right, level with its end
  /// where there is room. The file says in words, for those who do not see it, what the curves do. The same
  /// chart gives the same text.
  public func svg() -> String {
    SVGDrawing(of: self).text
  }
}
