extension LoadReport.Row: CustomStringConvertible {
  /// In one line: `encoder/kernel: of another shape, from encoder.weight, axis 0 is 3, not 4`.
  public var description: String {
    let made = variable == nil || sources.isEmpty ? "" : ", from \(sourceText)"
    return "\(variable ?? sourceText): \(outcome.words)\(made)" + (note.isEmpty ? "" : ", \(note)")
  }
}
