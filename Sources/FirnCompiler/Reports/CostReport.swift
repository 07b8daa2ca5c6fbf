public import FirnGraph

/// What one run costs.
public struct Cost: Hashable, Sendable, Codable {
  /// Arithmetic of the forward program; a fused multiply-add counts 2, loops count every iteration.
  public var forwardFLOPs: Quantity = 0
  public var backwardFLOPs: Quantity = 0
  public var updateFLOPs: Quantity = 0
  /// Bytes of the working memory's buffers that forward nodes write and backward or update nodes read, stacked residuals
  /// of loops included.
  ///
  /// They are alive when the forward program ends. Variables, constants and what is fed are held anyway and do not count;
  /// a view is no buffer of its own.
  public var keptBytes: Quantity = 0
  /// Bytes of the buffers that backward nodes write and the optimiser reads.
  public var gradientBytes: Quantity = 0
  /// The optimiser's memory.
  public var slotBytes: Quantity = 0

  public init() {}

  /// All arithmetic.
  public var flops: Quantity { forwardFLOPs + backwardFLOPs + updateFLOPs }

  /// Kept, gradient and slot bytes.
  public var bytes: Quantity { keptBytes + gradientBytes + slotBytes }

  public func bound(by binding: DimBinding) -> Cost { map { $0.bound(by: binding) } }

  public static func + (a: Cost, b: Cost) -> Cost { combine(a, b) { $0 + $1 } }
  public static func - (a: Cost, b: Cost) -> Cost { combine(a, b) { $0 - $1 } }

  private static let parts: [any WritableKeyPath<Cost, Quantity> & Sendable] = [
    \.forwardFLOPs, \.backwardFLOPs, \.updateFLOPs, \.keptBytes, \.gradientBytes, \.slotBytes,
  ]

  private static func combine(_ a: Cost, _ b: Cost, _ rule: (Quantity, Quantity) -> Quantity) -> Cost {
    var result = Cost()
    for part in parts { result[keyPath: part] = rule(a[keyPath: part], b[keyPath: part]) }
    return result
  }

  private func map(_ rule: (Quantity) -> Quantity) -> Cost {
    var result = Cost()
    for part in Self.parts { result[keyPath: part] = rule(self[keyPath: part]) }
    return result
  }
}

/// What one run costs with this selection and with nothing frozen.
public struct CostReport: Hashable, Sendable, Codable {
  public let total: Cost
  /// Nothing frozen; nil where that cannot be compiled.
  public let unfrozen: Cost?
  /// Every scope with what is below it, in graph order, outer before inner.
  public let scopes: [ScopeCost]

  public struct ScopeCost: Hashable, Sendable, Codable {
    public let path: String
    public let cost: Cost
    public let unfrozen: Cost?
  }
}

/// What freezing one more variable would save.
public struct Pin: Hashable, Sendable, Codable {
  public let variable: String
  /// What it costs to train it besides the others.
  public let saved: Cost
  /// The nodes whose results are kept for this variable only.
  public let kept: [KeptValue]
}

/// A result of a forward node that is held until the backward program has read it.
public struct KeptValue: Hashable, Sendable, Codable {
  public let name: String
  public let bytes: Quantity
}
