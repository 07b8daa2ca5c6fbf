import FirnFormats
import FirnNotation
import FirnRuntime

extension Checkpoint: CustomStringConvertible {
  /// Where the run was, and what is saved of it, in a few lines; ``weights`` has the tensors.
  public var description: String {
    let slots = record.slots.count
    var report = TextReport()
    report.line("checkpoint of step \(NumberFormat.count(step))")
    report.facts([
      "position": position?.description,
      "metric": metric.map(NumberFormat.short),
      "freezing": freezing,
      "thawing": thawing,
      "variables": "\(NumberFormat.count(weights.entries.count - slots)), "
        + (saving == .everything ? "all there are" : "those the program writes"),
      "slots": slots == 0 ? nil : NumberFormat.count(slots),
      "bytes": NumberFormat.bytes(weights.entries.reduce(0) { $0 + $1.byteCount }),
    ])
    return report.description
  }
}

extension Resumption: CustomStringConvertible {
  /// In one line: `resumed at step 100; slots: head/kernel: kept`.
  public var description: String {
    "resumed at " + (position?.description ?? "step \(NumberFormat.count(step))")
      + (slots.isEmpty ? "" : "; slots: " + slots.map(\.description).joined(separator: ", "))
  }
}

extension CheckpointFolder: CustomStringConvertible {
  /// The path, and how many are kept.
  public var description: String { "checkpoints in '\(path)', the last \(keptCount) and the best" }
}
