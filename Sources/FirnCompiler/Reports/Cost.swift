public import FirnGraph

/// What one run of a program costs: nodes, arithmetic in FLOPs and memory in bytes, perhaps in terms of named
/// dimensions.
public struct Cost: Hashable, Sendable, Codable {
  /// Nodes of the forward program, those inside loops counted once.
  public var forwardNodes = 0
  /// Nodes of the backward program, those inside loops counted once.
  public var backwardNodes = 0
  /// Nodes of the optimiser, clipping included.
  public var updateNodes = 0
  /// Arithmetic of the forward program; a fused multiply-add counts 2, loops count every iteration.
  public var forwardFLOPs: Quantity = 0
  /// Arithmetic of the backward program: the adjoints, and what is computed for them alone.
  public var backwardFLOPs: Quantity = 0
  /// Arithmetic of the optimiser, clipping included.
  public var updateFLOPs: Quantity = 0
  /// Bytes kept for the backward program: the buffers of working memory that forward nodes write and backward or update
  /// nodes read, stacked residuals of loops included.
  ///
  /// PyTorch calls them saved tensors. They are alive when the forward program ends. Variables, constants and what is
  /// fed are held anyway and do not count; a view is no buffer of its own.
  public var keptBytes: Quantity = 0
  /// Bytes of the buffers that backward nodes write and the optimiser reads.
  public var gradientBytes: Quantity = 0
  /// The optimiser's memory, from step to step.
  public var slotBytes: Quantity = 0

  /// Nothing, to add to.
  public init() {}

  /// All arithmetic.
  public var flops: Quantity { forwardFLOPs + backwardFLOPs + updateFLOPs }

  /// Arithmetic of one phase.
  public func flops(_ phase: Node.Phase) -> Quantity {
    switch phase {
    case .forward: forwardFLOPs
    case .backward: backwardFLOPs
    case .update: updateFLOPs
    }
  }

  /// Arithmetic of one phase as a number; nil unless `binding` binds every name in it.
  public func flops(_ phase: Node.Phase, binding: DimBinding) -> Int? {
    flops(phase).bound(by: binding).value
  }

  /// Nodes of one phase, those inside loops counted once.
  public func nodes(_ phase: Node.Phase) -> Int {
    switch phase {
    case .forward: forwardNodes
    case .backward: backwardNodes
    case .update: updateNodes
    }
  }

  /// Kept, gradient and slot bytes.
  public var bytes: Quantity { keptBytes + gradientBytes + slotBytes }

  /// The cost once dimensions have these extents.
  public func bound(by binding: DimBinding) -> Cost {
    var result = self
    for part in Self.quantities { result[keyPath: part] = self[keyPath: part].bound(by: binding) }
    return result
  }

  /// Both costs together.
  public static func + (a: Cost, b: Cost) -> Cost {
    var result = a
    result += b
    return result
  }

  /// What `a` costs more than `b`.
  public static func - (a: Cost, b: Cost) -> Cost {
    var result = a
    for part in quantities { result[keyPath: part] = a[keyPath: part] - b[keyPath: part] }
    for part in counts { result[keyPath: part] -= b[keyPath: part] }
    return result
  }

  /// Adds a cost to another.
  public static func += (a: inout Cost, b: Cost) {
    for part in quantities where b[keyPath: part] != 0 { a[keyPath: part] += b[keyPath: part] }
    for part in counts { a[keyPath: part] += b[keyPath: part] }
  }

  private static let quantities: [any WritableKeyPath<Cost, Quantity> & Sendable] = [
    \.forwardFLOPs, \.backwardFLOPs, \.updateFLOPs, \.keptBytes, \.gradientBytes, \.slotBytes,
  ]

  private static let counts: [any WritableKeyPath<Cost, Int> & Sendable] = [
    \.forwardNodes, \.backwardNodes, \.updateNodes,
  ]
}
