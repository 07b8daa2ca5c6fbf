extension GraphDef: CustomStringConvertible {
  /// How much it holds, in one line; `text` has the whole.
  public var description: String {
    let parameters = variables.filter { $0.kind == .parameter }.reduce(0) { $0 + $1.elementCount }
    return "graph of \(nodes.count) nodes, \(variables.count) variables, \(parameters) parameters"
  }
}

extension Graph: CustomStringConvertible {
  /// How much it holds, and how many faults are on record, in one line.
  public var description: String {
    definition.description
      + (diagnostics.isEmpty ? "" : ", \(diagnostics.count == 1 ? "1 fault" : "\(diagnostics.count) faults")")
  }
}
