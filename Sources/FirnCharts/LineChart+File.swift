import FirnFiles
public import FirnGraph

extension LineChart {
  /// Writes the chart as an SVG file, whole or not at all.
  ///
  /// - Throws: `.file` where it cannot be written.
  public func write(to path: String) throws(FirnError) {
    try TextFile.write(svg(), to: path)
  }
}
