import FirnGraph

/// What a session keeps of its programs' bound values: each value once, as long as a program needs it.
struct BoundValues {
  private struct Entry {
    weak var program: ProgramIdentity?
    var bound: BoundProgram
  }

  /// A cell that goes when no program has it.
  private struct Known {
    weak var cell: BoundCell?
  }

  private var entries: [Entry] = []
  private var numbers = BoundNumbers()
  private var cells: [BoundNumbers.Result: Known] = [:]

  /// The bound program of a program; made where there is none yet.
  mutating func program(
    _ program: ProgramIdentity, _ graph: GraphDef, in store: borrowing VariableStore
  ) -> BoundProgram {
    if let known = entries.last(where: { $0.program === program }) { return known.bound }
    removeUnneeded()
    let numbers = numbers.numbers(of: graph)
    let cells = graph.outputs.map { output in
      let key = BoundNumbers.Result(node: numbers[output.node], result: output.result)
      if let known = self.cells[key]?.cell { return known }
      guard let type = ArrayType(graph.type(of: output)) else {
        firnBug("session", "the bound value `\(graph.name(of: output))` has named dimensions")
      }
      let made = BoundCell(type, of: store.positions(read: graph, by: output.node))
      self.cells[key] = Known(cell: made)
      return made
    }
    let made = BoundProgram(graph, numbers: numbers, cells: cells)
    entries.append(Entry(program: program, bound: made))
    return made
  }

  /// Lets go of what was made for programs that nobody holds any more.
  mutating func removeUnneeded() {
    let count = entries.count
    entries.removeAll { $0.program == nil }
    if entries.count == count { return }
    cells = cells.filter { $0.value.cell != nil }
    numbers.keep(entries.reduce(into: []) { $0.formUnion($1.bound.numbers) })
  }

  /// How many values are held, and their bytes with those of plans to make them again.
  var size: (count: Int, byteCount: Int) {
    var seen: Set<ObjectIdentifier> = []
    var bytes = 0
    for entry in entries where entry.program != nil {
      bytes = bytes.saturatingSum(entry.bound.planBytes)
      for cell in entry.bound.cells where cell.storage != nil && seen.insert(ObjectIdentifier(cell)).inserted
      {
        bytes = bytes.saturatingSum(cell.byteCount)
      }
    }
    return (seen.count, bytes)
  }
}

extension VariableStore {
  /// Where the variables stand that a node of `graph` is made of, ascending.
  fileprivate func positions(read graph: GraphDef, by node: Int) -> [Int] {
    var seen: Set<Int> = [node]
    var pending = [node]
    var result: [Int] = []
    while let next = pending.popLast() {
      if case .reads(let name) = graph.nodes[next].op.effect { result.append(position(of: name)) }
      for input in graph.nodes[next].inputs where seen.insert(input.node).inserted {
        pending.append(input.node)
      }
    }
    return Set(result).sorted()
  }
}
