public import FirnGraph
package import FirnNotation

/// A part of a cost, as reports name it.
struct CostPart {
  let name: String
  let quantity: any KeyPath<Cost, Quantity> & Sendable
  /// With its unit.
  let text: @Sendable (Quantity) -> String

  static let arithmetic = [
    CostPart(name: "forward", quantity: \.forwardFLOPs) { $0.asFLOPs },
    CostPart(name: "backward", quantity: \.backwardFLOPs) { $0.asFLOPs },
    CostPart(name: "update", quantity: \.updateFLOPs) { $0.asFLOPs },
  ]
  static let memory = [
    CostPart(name: "kept", quantity: \.keptBytes) { $0.asBytes },
    CostPart(name: "gradients", quantity: \.gradientBytes) { $0.asBytes },
    CostPart(name: "slots", quantity: \.slotBytes) { $0.asBytes },
  ]
  static let all = arithmetic + memory

  func text(of cost: Cost?) -> String { cost.map { text($0[keyPath: quantity]) } ?? "" }
}

extension Cost: CustomStringConvertible {
  /// Each part in a line, with its unit, and of each phase how many nodes it has.
  public var description: String {
    var report = TextReport()
    var table = TextTable([.init("cost of a step"), .init("nodes", .right), .init("", .right)])
    for (phase, part) in zip(Node.Phase.allCases, CostPart.arithmetic) {
      table.append([part.name, NumberFormat.count(nodes(phase)), part.text(of: self)])
    }
    for part in CostPart.memory { table.append([part.name, "", part.text(of: self)]) }
    report.table(table)
    return report.description
  }
}

extension CostReport {
  /// The report with every name of `binding` replaced by its number; other names stay.
  public func bound(by binding: DimBinding) -> CostReport {
    CostReport(
      total: total.bound(by: binding), unfrozen: unfrozen?.bound(by: binding),
      scopes: scopes.map {
        ScopeCost(
          path: $0.path, cost: $0.cost.bound(by: binding), unfrozen: $0.unfrozen?.bound(by: binding))
      }, frozen: frozen.bound(by: binding), memory: memory.bound(by: binding))
  }
}

extension CostReport: CustomStringConvertible {
  /// Arithmetic and memory of the whole and of every scope, beside what they are with nothing frozen where that
  /// differs.
  ///
  /// Numbers are in terms of named dimensions; ``bound(by:)`` puts in their sizes.
  public var description: String { report.description }

  package var report: TextReport {
    let names =
      ["(all)"]
      + scopes.map { scope in
        String(repeating: "  ", count: scope.path.count { $0 == "/" }) + Path.last(of: scope.path)
      }
    let costs = [(total, unfrozen)] + scopes.map { ($0.cost, $0.unfrozen) }
    func group(_ part: CostPart, compared: Bool, startsTable: Bool = false) -> TextColumns.Group {
      TextColumns.Group(
        [.init(part.name, .right)] + (compared ? [.init("unfrozen", .right)] : []),
        rows: costs.map { [part.text(of: $0.0), part.text(of: $0.1)] }, startsTable: startsTable)
    }
    var report = TextReport()
    if let unfrozen, unfrozen != total {
      // Of the forward program a freeze changes what is computed once.
      let isLess = unfrozen.forwardFLOPs != total.forwardFLOPs
      let arithmetic = CostPart.arithmetic.map { group($0, compared: $0.name != "forward" || isLess) }
      let memory = CostPart.memory.enumerated().map { group($1, compared: true, startsTable: $0 == 0) }
      report.columns(TextColumns("scope", names, arithmetic + memory))
    } else {
      report.columns(TextColumns("scope", names, CostPart.all.map { group($0, compared: false) }))
    }
    if !frozen.isEmpty {
      report.line()
      report.paragraph(frozen.summary)
    }
    if !memory.isEmpty {
      report.line()
      report.paragraph(memory.summary)
    }
    return report
  }
}

extension CostReport.ScopeCost: CustomStringConvertible {
  /// In one line: `encoder: 1.2 MFLOP forward, …`; parts that are 0 are left out.
  public var description: String { "\(path): \(cost.summary)" }
}

extension Cost {
  /// The parts that are not 0, in one line.
  var summary: String {
    let parts = CostPart.all.filter { self[keyPath: $0.quantity] != 0 }
    return parts.isEmpty ? "nothing" : parts.map { "\($0.text(of: self)) \($0.name)" }.joined(separator: ", ")
  }
}
