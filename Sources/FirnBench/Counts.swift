/// What of a row does not depend on how fast the machine is.
struct Counts: Codable, Equatable {
  /// Arithmetic of a step.
  var flops: Int
  /// Nodes of the compiled program, those of loops and fused bodies included.
  var nodes: Int
  /// Steps of the plan, those of each share of a loop included.
  var planSteps: Int
  var arenaBytes: Int
  /// How often a step hands work to other threads and waits for it.
  var barriers: Int
  /// Allocations of all threads while the ops of a step run; nil where they cannot be counted.
  var stepAllocations: Int?
  /// The same with what is fed and handed out.
  var runAllocations: Int?

  /// Each count under its name in files.
  var named: [(name: String, count: Int?)] {
    [
      ("flops", flops), ("nodes", nodes), ("planSteps", planSteps), ("arenaBytes", arenaBytes),
      ("barriers", barriers), ("stepAllocations", stepAllocations), ("runAllocations", runAllocations),
    ]
  }
}

/// The counts of rows, as a file keeps them.
struct CountsFile: Codable, Equatable {
  struct Entry: Codable, Equatable {
    /// Such as `lstm-128/all`.
    var row: String
    var threads: Int
    var counts: Counts

    var title: String { "\(row) on \(threads) \(threads == 1 ? "thread" : "threads")" }
  }

  /// Of the kernels, such as `avx2`; the room that they take for packing depends on it, and so do arenas.
  var instructionSet: String
  var entries: [Entry]

  /// What a comparison says: `faults` are what it fails on.
  struct Comparison: Equatable {
    var faults: [String] = []
    var notes: [String] = []
  }

  /// Holds what was counted against what is stored.
  ///
  /// A rise is a fault, and so are a counted row that is not stored and a stored row that is none of `knownRows`. A fall
  /// is noted, as is what is stored of `rows` and was not counted. What either side could not count is not compared.
  func comparing(_ counted: CountsFile, rows: [String], knownRows: [String]) -> Comparison {
    var result = Comparison()
    let areSameKernels = counted.instructionSet == instructionSet
    if !areSameKernels {
      result.notes.append(
        "arenas are not compared: the kernels here are of \(counted.instructionSet), where it was recorded of \(instructionSet)"
      )
    }
    for entry in counted.entries {
      guard let stored = entries.first(where: { $0.row == entry.row && $0.threads == entry.threads }) else {
        result.faults.append("\(entry.title) is not stored: record it")
        continue
      }
      for (new, old) in zip(entry.counts.named, stored.counts.named) {
        guard let count = new.count, let before = old.count, count != before,
          areSameKernels || new.name != "arenaBytes"
        else { continue }
        let change = "\(entry.title): \(new.name) \(before) -> \(count)"
        if count > before {
          result.faults.append("\(change), a rise")
        } else {
          result.notes.append("\(change), a fall: record it to keep it")
        }
      }
    }
    for stored in entries {
      if !knownRows.contains(stored.row) {
        result.faults.append("\(stored.title) is stored, but there is no such row: record anew")
      } else if rows.contains(stored.row),
        !counted.entries.contains(where: { $0.row == stored.row && $0.threads == stored.threads })
      {
        result.notes.append("\(stored.title) was not counted")
      }
    }
    return result
  }
}
