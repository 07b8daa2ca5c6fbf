extension LoadReport.Row: CustomStringConvertible {
  /// In one line: `encoder/kernel: of another shape, from encoder.weight, axis 0 is 3, not 4`.
  public var description: String {
    let made = variable == nil || sources.isEmpty ? "" : ", from \(sourceText)"
    return "\(variable ?? sourceText): \(outcome.words)\(made)" + (note.isEmpty ? "" : ", \(note)")
  }
}

extension LoadReport {
  /// The same with a variable's row as ``Outcome/unconvertible``.
  func refusing(_ variable: String, for reason: String) -> LoadReport {
    LoadReport(
      source: source,
      rows: rows.map { row in
        guard row.variable == variable else { return row }
        return Row(
          outcome: .unconvertible, variable: variable, sources: row.sources, variableType: row.variableType,
          sourceType: row.sourceType, note: reason)
      })
  }
}
