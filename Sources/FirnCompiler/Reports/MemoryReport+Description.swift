import FirnGraph
package import FirnNotation

extension MemoryReport: CustomStringConvertible {
  /// What is kept in a sentence, then a table of what stands for what, and others of the values and the scopes computed again.
  public var description: String { report.description }

  /// The sentences alone.
  package var summary: String {
    var text = "Kept for the backward program: \(keptBytes.asBytes)."
    if !condensed.isEmpty {
      text +=
        " \(NumberFormat.count(condensed.count)) mask\(condensed.count == 1 ? "" : "s") in the place of values: "
        + "\(condensedBytes.asBytes) less."
    }
    if !remade.isEmpty {
      text +=
        " \(NumberFormat.count(remade.count)) value\(remade.count == 1 ? "" : "s") made anew in passing: "
        + "\(remadeBytes.asBytes) not kept."
    }
    if !recomputed.isEmpty {
      let (bytes, flops) = recomputed.reduce((Quantity(0), Quantity(0))) {
        ($0.0 + $1.bytes, $0.1 + $1.flops)
      }
      text +=
        " \(NumberFormat.count(recomputed.count)) scope\(recomputed.count == 1 ? "" : "s") computed again: "
        + "\(bytes.asBytes) not kept, \(flops.asFLOPs) more."
    }
    return text
  }

  package var report: TextReport {
    var report = TextReport()
    report.paragraph(summary)
    if !condensed.isEmpty {
      report.line()
      var table = TextTable([.init("kept"), .init("bytes", .right), .init("instead of")])
      for value in condensed {
        table.append([
          value.name, value.bytes.asBytes,
          value.of.isEmpty ? "" : value.of.map(\.description).joined(separator: ", "),
        ])
      }
      report.table(table)
    }
    if !remade.isEmpty {
      report.line()
      var table = TextTable([.init("made anew of others"), .init("not kept", .right)])
      for value in remade { table.append([value.name, value.bytes.asBytes]) }
      report.table(table)
    }
    if !recomputed.isEmpty {
      report.line()
      var table = TextTable([
        .init("computed again"), .init("nodes", .right), .init("not kept", .right), .init("backward", .right),
      ])
      for scope in recomputed {
        table.append([
          scope.scope, NumberFormat.count(scope.nodes), scope.bytes.asBytes, scope.flops.asFLOPs,
        ])
      }
      report.table(table)
    }
    return report
  }
}

extension CondensedValue: CustomStringConvertible {
  /// In one line: `relu/pack_bits (98.0 KiB) instead of relu (3.1 MiB)`.
  public var description: String {
    "\(name) (\(bytes.asBytes))"
      + (of.isEmpty ? "" : " instead of " + of.map(\.description).joined(separator: ", "))
  }
}

extension RecomputedScope: CustomStringConvertible {
  /// In one line: `encoder: 12 nodes computed again, 3.1 MiB not kept`.
  public var description: String {
    "\(scope): \(NumberFormat.count(nodes)) node\(nodes == 1 ? "" : "s") computed again, \(bytes.asBytes) not kept"
  }
}
