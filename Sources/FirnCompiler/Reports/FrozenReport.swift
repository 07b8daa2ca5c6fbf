public import FirnGraph

/// What a program computes once, when variables are bound, and not in its runs: values that depend on frozen variables and
/// constants only.
public struct FrozenReport: Hashable, Sendable, Codable {
  /// One such value.
  public struct Value: Hashable, Sendable, Codable {
    /// The path of the node that makes it; `:1` and so on for further results.
    public let name: String
    /// What it occupies as long as the program is held; another program that needs an equal one shares it.
    public let bytes: Int
    /// The variables that it is made of, in creation order: when one of them changes, it is made again.
    public let variables: [String]
    /// The smaller type it is in; nil for a value that is computed with as it is.
    public let storage: FrozenStorage?
    /// What it would take as `f32`; nil likewise.
    public let fullBytes: Int?
  }

  /// In graph order.
  public let values: [Value]
  /// In graph order.
  public let folds: [Fold]
  /// In graph order.
  public let transforms: [FrozenTransform]
  /// Arithmetic of making all values once, which no run does.
  public let flops: Int

  /// What is held in a smaller type, and why the rest is not; nil where that was not asked for.
  public let stored: StoredReport?

  /// Bytes of all values.
  public var bytes: Int { values.reduce(0) { $0.saturatingSum($1.bytes) } }

  /// What transforms leave a run less to do, in FLOPs.
  public var saved: Quantity { transforms.reduce(0) { $0 + $1.saved } }

  /// The report with every name of `binding` replaced by its number; other names stay.
  public func bound(by binding: DimBinding) -> FrozenReport {
    FrozenReport(
      values: values, folds: folds, transforms: transforms.map { $0.bound(by: binding) }, flops: flops,
      stored: stored)
  }

  /// Whether nothing was taken out of the runs.
  public var isEmpty: Bool { values.isEmpty && folds.isEmpty && transforms.isEmpty }

  static let none = FrozenReport(values: [], folds: [], transforms: [], flops: 0, stored: nil)

  private init(
    values: [Value], folds: [Fold], transforms: [FrozenTransform], flops: Int, stored: StoredReport?
  ) {
    (self.values, self.folds, self.transforms) = (values, folds, transforms)
    (self.flops, self.stored) = (flops, stored)
  }

  /// The same with what rounding the kernels changes in a batch.
  package func with(_ deviations: [StoredReport.Deviation]) -> FrozenReport {
    FrozenReport(
      values: values, folds: folds, transforms: transforms, flops: flops, stored: stored?.with(deviations))
  }

  package init(_ compilation: Compilation) {
    let bound = compilation.bound
    values = bound.outputs.map { output in
      let node = bound.nodes[output.node]
      return Value(
        name: bound.name(of: output), bytes: bound.type(of: output).byteCount.value ?? 0,
        variables: bound.variables(madeInto: output.node), storage: node.storage,
        fullBytes: node.storage == nil ? nil : bound.type(of: node.inputs[0]).byteCount.value)
    }
    folds = compilation.context.folds
    transforms = compilation.context.transforms
    flops = bound.nodes.reduce(0) { sum, node in
      let flops = node.op.flops(of: node.inputs.map { bound.type(of: $0) }, results: node.types)
      return sum.saturatingSum(flops.value ?? 0)
    }
    stored = StoredReport(compilation.context.stored, values)
  }
}

extension GraphDef {
  /// The variables that a node is made of, in creation order.
  func variables(madeInto node: Int) -> [String] {
    var seen: Set<Int> = [node]
    var pending = [node]
    var names: Set<String> = []
    while let next = pending.popLast() {
      if case .reads(let name) = nodes[next].op.effect { names.insert(name) }
      for input in nodes[next].inputs where seen.insert(input.node).inserted { pending.append(input.node) }
    }
    return variables.map(\.name).filter(names.contains)
  }
}
