import FirnGraph

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
  }

  /// In graph order.
  public let values: [Value]
  /// In graph order.
  public let folds: [Fold]
  /// Arithmetic of making all values once, which no run does.
  public let flops: Int

  /// Bytes of all values.
  public var bytes: Int { values.reduce(0) { $0.saturatingSum($1.bytes) } }

  /// Whether nothing was taken out of the runs.
  public var isEmpty: Bool { values.isEmpty && folds.isEmpty }

  static let none = FrozenReport(values: [], folds: [], flops: 0)

  private init(values: [Value], folds: [Fold], flops: Int) {
    (self.values, self.folds, self.flops) = (values, folds, flops)
  }

  package init(_ compilation: Compilation) {
    let bound = compilation.bound
    values = bound.outputs.map { output in
      Value(
        name: bound.name(of: output), bytes: bound.type(of: output).byteCount.value ?? 0,
        variables: bound.variables(madeInto: output.node))
    }
    folds = compilation.context.folds
    flops = bound.nodes.reduce(0) { sum, node in
      let flops = node.op.flops(of: node.inputs.map { bound.type(of: $0) }, results: node.types)
      return sum.saturatingSum(flops.value ?? 0)
    }
  }
}

extension GraphDef {
  /// The variables that a node is made of, in creation order.
  fileprivate func variables(madeInto node: Int) -> [String] {
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
