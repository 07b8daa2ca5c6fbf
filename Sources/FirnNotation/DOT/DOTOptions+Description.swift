extension DOTOptions: CustomStringConvertible {
  /// What is drawn and what is left out, in one line: `drawing: scopes to depth 1, repeats once, legend`.
  public var description: String {
    let removed = removedGradients.count
    let parts = [
      depth.map { "scopes to depth \($0)" } ?? "every scope",
      collapsesLayers ? "layers as boxes" : nil,
      foldsRepeats ? "repeats once" : nil,
      removed > 0 ? "\(NumberFormat.count(removed)) removed gradient\(removed == 1 ? "" : "s")" : nil,
      showsBackward ? nil : "no adjoints and updates",
      legend ? "legend" : nil,
    ]
    return "drawing" + (title.map { " `\($0)`" } ?? "") + ": "
      + parts.compactMap(\.self).joined(separator: ", ")
  }
}
