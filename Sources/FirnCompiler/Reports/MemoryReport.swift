public import FirnGraph
package import FirnNotation

/// What the backward program makes do with: what is kept for it, and what is not since less is enough or it is computed
/// again.
public struct MemoryReport: Hashable, Sendable, Codable {
  /// What is kept, in graph order, each buffer once.
  public let kept: [KeptValue]
  /// Masks and places that are kept instead of values, in graph order.
  public let condensed: [CondensedValue]
  /// Scopes that are computed again, in graph order.
  public let recomputed: [RecomputedScope]

  /// Bytes of what is kept, as ``Cost/keptBytes`` has them.
  public var keptBytes: Quantity { kept.reduce(0) { $0 + $1.bytes } }

  /// What condensed values save: the bytes of those they stand for, less their own.
  public var condensedBytes: Quantity {
    var seen: Set<String> = []
    return condensed.reduce(0) { sum, value in
      value.of.reduce(sum - value.bytes) { seen.insert($1.name).inserted ? $0 + $1.bytes : $0 }
    }
  }

  /// Whether everything that the backward program reads is kept as it is.
  public var isEmpty: Bool { condensed.isEmpty && recomputed.isEmpty }

  init(kept: [KeptValue], condensed: [CondensedValue], recomputed: [RecomputedScope]) {
    (self.kept, self.condensed, self.recomputed) = (kept, condensed, recomputed)
  }

  package init(_ compilation: Compilation) {
    self = CostCount(compilation).memory
  }

  /// The report with every name of `binding` replaced by its number; other names stay.
  public func bound(by binding: DimBinding) -> MemoryReport {
    func bound(_ value: KeptValue) -> KeptValue {
      KeptValue(name: value.name, bytes: value.bytes.bound(by: binding))
    }
    return MemoryReport(
      kept: kept.map(bound),
      condensed: condensed.map {
        CondensedValue(name: $0.name, bytes: $0.bytes.bound(by: binding), of: $0.of.map(bound))
      },
      recomputed: recomputed.map {
        RecomputedScope(
          scope: $0.scope, nodes: $0.nodes, flops: $0.flops.bound(by: binding),
          bytes: $0.bytes.bound(by: binding))
      })
  }
}

extension MemoryReport: CustomStringConvertible {
  /// What is kept in a sentence, then a table of what stands for what, and one of the scopes computed again.
  public var description: String { report.description }

  /// The sentences alone.
  package var summary: String {
    var text = "Kept for the backward program: \(keptBytes.asBytes)."
    if !condensed.isEmpty {
      text +=
        " \(NumberFormat.count(condensed.count)) mask\(condensed.count == 1 ? "" : "s") in the place of values "
        + "save \(condensedBytes.asBytes)."
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
