package import FirnGraph
package import FirnNotation

extension StoredReport {
  /// - Parameter values: what is computed once.
  init?(_ kernels: StoredKernels, _ values: [FrozenReport.Value]) {
    guard let type = kernels.storage else { return nil }
    let copies = values.filter { $0.storage != nil }
    self.init(
      type: type, variables: kernels.variables,
      bytes: copies.reduce(0) { $0.saturatingSum($1.bytes) },
      fullBytes: copies.reduce(0) { $0.saturatingSum($1.fullBytes ?? 0) },
      unstored: kernels.kept.map { Unstored(name: $0.name, reason: $0.reason) }, deviations: [])
  }

  /// The same with what was measured.
  func with(_ deviations: [Deviation]) -> StoredReport {
    StoredReport(
      type: type, variables: variables, bytes: bytes, fullBytes: fullBytes, unstored: unstored,
      deviations: deviations)
  }

  /// What it comes to, in a sentence.
  package var summary: String {
    if variables.isEmpty { return "Nothing is stored as \(type)." }
    let count = "\(NumberFormat.count(variables.count)) variable\(variables.count == 1 ? "" : "s")"
    return
      "Stored as \(type): \(count), \(NumberFormat.bytes(bytes)) in place of \(NumberFormat.bytes(fullBytes))."
  }

  /// What is not stored, and why.
  package var listing: TextReport {
    var report = TextReport()
    var table = TextTable([.init("not stored as \(type)", .name), .init("because")])
    for variable in unstored { table.append([variable.name, variable.reason]) }
    report.table(table)
    return report
  }

  /// What is not stored, and what rounding changed, as tables.
  func write(to report: inout TextReport) {
    if !unstored.isEmpty {
      report.line()
      report.append(listing)
    }
    if !deviations.isEmpty {
      report.line()
      var table = TextTable([.init("against f32"), .init("relative", .right), .init("largest", .right)])
      for deviation in deviations {
        table.append([
          deviation.name, NumberFormat.short(deviation.relative), NumberFormat.short(deviation.largest),
        ])
      }
      report.table(table)
    }
  }
}

extension StoredReport.Deviation {
  /// How far one result is from another of its type.
  package init(of name: String, _ got: NDArray, from wanted: NDArray) {
    var (largest, distance, length) = (0.0, 0.0, 0.0)
    for (a, b) in zip(got.doubles, wanted.doubles) where a.bitPattern != b.bitPattern || b != 0 {
      let apart = a == b || a.isNaN && b.isNaN ? 0 : (a - b).magnitude
      largest = apart.isNaN ? .infinity : max(largest, apart)
      distance += apart * apart
      // What is infinite in both says nothing of the rest.
      if b.isFinite || apart != 0 { length += b * b }
    }
    let relative = distance == 0 ? 0 : (distance / length).squareRoot()
    self.init(name: name, largest: largest, relative: relative.isNaN ? .infinity : relative)
  }
}

extension StatusReport {
  /// The same, with the type in which kernels are held beside their variables.
  func storing(_ stored: StoredReport?) -> StatusReport {
    guard let stored, !stored.variables.isEmpty else { return self }
    let names = Set(stored.variables)
    return StatusReport(
      variables: variables.map { entry in
        var entry = entry
        if names.contains(entry.name) { entry.stored = stored.type }
        return entry
      }, scopes: scopes)
  }
}
