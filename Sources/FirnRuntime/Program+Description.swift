import FirnCompiler
import FirnGraph
import FirnNotation

extension Program: CustomStringConvertible {
  /// What it is fed, returns and trains, and what it is made of, in a few lines; ``status`` has the variables.
  public var description: String {
    let parameters = status.variables.filter { $0.status != .state }
    let elements = trainedParts.reduce(0) { $0 + ($1.type.shape.elementCount.value ?? 0) }
    let (cost, frozen, memory) = (self.cost, frozenReport, memoryReport)
    let phases = Node.Phase.allCases.filter { cost.nodes($0) > 0 }
    var report = TextReport()
    report.line(trained.isEmpty ? "program" : "training program")
    report.facts([
      "feeds": Self.list(feedCheck.needed.map { "\($0.name) : \($0.type)" }),
      "fetches": Self.list(fetches),
      "trained": trained.isEmpty
        ? nil
        : "\(trained.count) of \(parameters.count) parameters, \(NumberFormat.count(elements)) of "
          + "\(NumberFormat.count(parameters.reduce(0) { $0 + $1.count })) elements",
      "nodes": Self.list(phases.map { "\(NumberFormat.count(cost.nodes($0))) \($0)" }),
      "arithmetic": Self.list(phases.map { "\(cost.flops($0).asFLOPs) \($0)" }),
      "computed once": frozen.isEmpty
        ? nil
        : "\(NumberFormat.count(frozen.values.count)) of frozen variables, \(NumberFormat.bytes(frozen.bytes))"
          + (frozen.folds.isEmpty ? "" : ", \(NumberFormat.count(frozen.folds.count)) folded")
          + (frozen.transforms.isEmpty ? "" : ", \(NumberFormat.count(frozen.transforms.count)) transformed"),
      "stored": frozen.stored.map { stored in
        stored.variables.isEmpty
          ? "nothing as \(stored.type)"
          : "\(NumberFormat.count(stored.variables.count)) variable\(stored.variables.count == 1 ? "" : "s") "
            + "as \(stored.type), "
            + "\(NumberFormat.bytes(stored.bytes)) in place of \(NumberFormat.bytes(stored.fullBytes))"
      },
      "kept": memory.isEmpty
        ? nil
        : cost.keptBytes.asBytes
          + (memory.condensed.isEmpty ? "" : ", \(NumberFormat.count(memory.condensed.count)) as masks")
          + (memory.remade.isEmpty ? "" : ", \(NumberFormat.count(memory.remade.count)) made anew")
          + (memory.recomputed.isEmpty
            ? "" : ", \(NumberFormat.count(memory.recomputed.count)) scopes computed again"),
      "slots": cost.slotBytes == 0 ? nil : cost.slotBytes.asBytes,
    ])
    for warning in warnings { report.paragraph(warning, indent: 2, first: "  warning: ") }
    return report.description
  }

  private static func list(_ items: [String]) -> String {
    items.isEmpty ? "nothing" : items.joined(separator: ", ")
  }
}

extension SlotReport: CustomStringConvertible {
  /// In one line: `encoder/kernel: kept`, `table[0..<3]: fresh`.
  public var description: String { "\(variable)\(block?.description ?? ""): \(origin.rawValue)" }
}
