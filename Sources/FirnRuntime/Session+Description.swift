import FirnGraph
import FirnNotation

extension Session: CustomStringConvertible {
  /// What it holds, in a few lines: variables by where their values come from, optimisers' memory, seed and runs.
  public var description: String {
    let held = store.entries.filter { $0.variable.kind != .slot }
    let slots = store.entries.filter { $0.variable.kind == .slot }
    func size(_ entries: [VariableStore.Entry]) -> String {
      NumberFormat.bytes(entries.reduce(0) { $0 + $1.type.byteCount })
    }
    let origins: [(Provenance, String)] = [
      (.loaded, "loaded"), (.trained, "trained"), (.initialized, "at first values"),
    ]
    let counts = origins.compactMap { provenance, words in
      let count = held.count { $0.origin.provenance == provenance }
      return count == 0 ? nil : "\(NumberFormat.count(count)) \(words)"
    }
    var report = TextReport()
    report.line("session")
    report.facts([
      "variables": "\(NumberFormat.count(held.count)) (\(size(held)))"
        + (counts.isEmpty ? "" : ": " + counts.joined(separator: ", ")),
      "slots": slots.isEmpty ? nil : "\(NumberFormat.count(slots.count)) (\(size(slots)))",
      "computed once": boundSize.count == 0
        ? nil : "\(NumberFormat.count(boundSize.count)) (\(NumberFormat.bytes(boundSize.byteCount)))",
      "seed": "\(seed)",
      "runs": "\(runs)",
    ])
    return report.description
  }
}
