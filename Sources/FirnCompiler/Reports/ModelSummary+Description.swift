import FirnGraph
package import FirnNotation

extension ModelSummary: CustomStringConvertible {
  /// A row for each scope, and the sums.
  ///
  /// Costs are in terms of named dimensions; ``bound(by:)`` puts in their sizes.
  public var description: String { report.description }

  package var report: TextReport {
    let isTrained = total.cost.backwardNodes > 0
    var table = TextTable(
      [
        .init("scope", .name), .init("result", .name), .init("status"), .init("parameters", .right),
        .init(isTrained ? "trained" : "trainable", .right), .init("forward", .right),
      ] + (isTrained ? [.init("backward", .right), .init("kept", .right)] : []))
    for row in scopes {
      let depth = row.path.count { $0 == "/" }
      table.append(
        [String(repeating: "  ", count: depth) + Path.last(of: row.path)] + row.cells(isTrained: isTrained))
    }
    table.append(["(all)"] + total.cells(isTrained: isTrained))
    var report = TextReport()
    report.table(table)
    report.line()
    report.line(
      "parameters: \(NumberFormat.count(total.parameters)), of which \(NumberFormat.count(total.trainable)) \(isTrained ? "trained" : "trainable") and "
        + "\(NumberFormat.count(total.parameters - total.trainable)) not; state: \(NumberFormat.count(total.state)); "
        + "variables: \(NumberFormat.bytes(total.bytes))")
    if isTrained {
      report.line(
        "a step: \(total.cost.flops.asFLOPs); kept: \(total.cost.keptBytes.asBytes); "
          + "gradients: \(total.cost.gradientBytes.asBytes); slots: \(total.cost.slotBytes.asBytes)")
    }
    return report
  }
}

extension ModelSummary.Row {
  fileprivate func cells(isTrained: Bool) -> [String] {
    let counts =
      parameters == 0 ? ["", ""] : [NumberFormat.count(parameters), NumberFormat.count(trainable)]
    return [result ?? "", status?.rawValue ?? ""] + counts + [cost.forwardFLOPs.asFLOPs]
      + (isTrained ? [cost.backwardFLOPs.asFLOPs, cost.keptBytes.asBytes] : [])
  }
}
