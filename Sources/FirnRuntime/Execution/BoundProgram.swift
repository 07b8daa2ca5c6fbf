import FirnCompiler
import FirnGraph

/// The bound program of one compiled program, with the values it has made.
final class BoundProgram {
  let graph: GraphDef
  /// The numbers of its nodes.
  let numbers: Set<Int>
  /// By output of `graph`.
  let cells: [BoundCell]
  private let places: [String: Int]
  /// What was made last, and where that happened twice in a row the plans for it: training one program changes what another
  /// holds frozen again and again, as with two networks that learn against each other.
  private var last: (outputs: [Int], parts: [Part])?

  /// Values made together.
  private struct Part {
    var outputs: [Int]
    var execution: Execution
  }

  init(_ graph: GraphDef, numbers: [Int], cells: [BoundCell]) {
    self.graph = graph
    self.numbers = Set(numbers)
    self.cells = cells
    var places: [String: Int] = [:]
    for (number, output) in graph.outputs.enumerated() { places[graph.name(of: output)] = number }
    self.places = places
  }

  /// Where a value is; nil before it is first made.
  func storage(of name: String) -> Storage? { places[name].flatMap { cells[$0].storage } }

  /// Bytes of plans that are kept to make values again.
  var planBytes: Int { (last?.parts ?? []).reduce(0) { $0.saturatingSum($1.execution.byteCount) } }

  /// Bytes of values that are still to be made.
  var pendingBytes: Int {
    cells.reduce(0) { $1.storage == nil ? $0.saturatingSum($1.type.byteCount) : $0 }
  }

  /// Makes what was not made yet, or is made of variables that have changed since, and nothing else.
  ///
  /// - Parameter limit: bytes of plans that may be kept for the next time.
  /// - Returns: the names of what was made.
  /// - Throws: what running it throws, and where the memory for it is not free; values that were not made by then stay as
  ///   they were, and are made the next time.
  func refresh(
    _ store: inout VariableStore, by workers: any Workers, keeping limit: Int
  ) throws(FirnError) -> [String] {
    // Before every run: a loop, since a filter may allocate.
    var isFresh = true
    for cell in cells where cell.isStale(in: store) {
      isFresh = false
      break
    }
    if isFresh { return [] }
    let stale = cells.indices.filter { cells[$0].isStale(in: store) }
    let isRepeated = last?.outputs == stale
    var parts = isRepeated ? last?.parts ?? [] : []
    if !isRepeated { last = (stale, []) }
    if parts.isEmpty {
      var kept = 0
      for outputs in portions(of: stale) {
        let part = try part(outputs, store, workers)
        try run(part, &store)
        kept = kept.saturatingSum(part.execution.byteCount)
        // Memory of one portion at a time where they are not kept.
        if isRepeated, kept <= limit { parts.append(part) } else { parts = [] }
      }
      last?.parts = parts.reduce(0) { $0 + $1.outputs.count } == stale.count ? parts : []
    } else {
      for part in parts { try run(part, &store) }
    }
    return stale.map { graph.name(of: graph.outputs[$0]) }
  }

  /// The outputs in portions of some size, so that making them takes little room besides.
  private func portions(of outputs: [Int]) -> [[Int]] {
    var portions: [[Int]] = []
    var bytes = 0
    for output in outputs {
      if portions.isEmpty || bytes >= Self.portionBytes {
        portions.append([])
        bytes = 0
      }
      portions[portions.count - 1].append(output)
      bytes += cells[output].type.byteCount
    }
    return portions
  }

  private static let portionBytes = 1 << 26

  /// Plans the making of these values; others are read where they are not stale.
  private func part(
    _ outputs: [Int], _ store: borrowing VariableStore, _ workers: any Workers
  ) throws(FirnError) -> Part {
    var fresh: [Int: [Int]] = [:]
    for (number, output) in graph.outputs.enumerated()
    where cells[number].storage != nil && !cells[number].isStale(in: store) {
      fresh[output.node, default: []].append(number)
    }
    var wanted = graph
    wanted.outputs = outputs.map { graph.outputs[$0] }
    let cut =
      fresh.isEmpty
      ? wanted
      : wanted.rewritten { rewriter, position in
        guard let numbers = fresh[position] else { return }
        rewriter.keep(position)
        for number in numbers {
          let (output, name) = (graph.outputs[number], graph.name(of: graph.outputs[number]))
          let op = BoundValue(name, type: graph.type(of: output))
          let value = rewriter.emit(
            op, [], named: Path.joined(graph.nodes[position].name, "bound"), like: graph.nodes[position])
          rewriter.replace(output, with: value[0])
        }
      }
    let small = cut.removingDeadNodes(keepingAssignments: false).fused()
    let plan = try Plan(small, workers: workers.count)
    let made = outputs.reduce(0) {
      cells[$1].storage == nil ? $0.saturatingSum(cells[$1].type.byteCount) : $0
    }
    try FreeMemory.require(
      made.saturatingSum(plan.arenaBytes), for: "what is computed once, of frozen variables,")
    let execution = Execution(plan, workers: workers)
    execution.bindValues { storage(of: $0) }
    return Part(outputs: outputs, execution: execution)
  }

  private func run(_ part: Part, _ store: inout VariableStore) throws(FirnError) {
    try part.execution.bind(to: &store)
    try part.execution.run(checksNumerics: false)
    for (output, port) in zip(part.outputs, part.execution.plan.outputs) {
      cells[output].fill(from: part.execution.pointer(to: port.slot), in: store)
    }
  }
}
