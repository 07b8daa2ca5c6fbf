public import FirnGraph

/// What the backward program makes do with: what is kept for it, and what is not since less is enough or it is computed
/// again.
public struct MemoryReport: Hashable, Sendable, Codable {
  /// What is kept, in graph order, each buffer once.
  public let kept: [KeptValue]
  /// Masks and places that are kept instead of values, in graph order.
  public let condensed: [CondensedValue]
  /// Scopes that are computed again, in graph order.
  public let recomputed: [RecomputedScope]
  /// Values that are not kept since the backward program makes them of what is, in passing; in graph order.
  public let remade: [KeptValue]

  /// Bytes of what is kept, as ``Cost/keptBytes`` has them.
  public var keptBytes: Quantity { kept.reduce(0) { $0 + $1.bytes } }

  /// What condensed values save: the bytes of those they stand for, less their own.
  public var condensedBytes: Quantity {
    var seen: Set<String> = []
    return condensed.reduce(0) { sum, value in
      value.of.reduce(sum - value.bytes) { seen.insert($1.name).inserted ? $0 + $1.bytes : $0 }
    }
  }

  /// What values that are made anew would take.
  public var remadeBytes: Quantity { remade.reduce(0) { $0 + $1.bytes } }

  /// Whether everything that the backward program reads is kept as it is.
  public var isEmpty: Bool { condensed.isEmpty && recomputed.isEmpty && remade.isEmpty }

  init(
    kept: [KeptValue], condensed: [CondensedValue], recomputed: [RecomputedScope], remade: [KeptValue]
  ) {
    (self.kept, self.condensed, self.recomputed, self.remade) = (kept, condensed, recomputed, remade)
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
      }, remade: remade.map(bound))
  }
}
