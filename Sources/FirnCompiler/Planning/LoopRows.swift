import FirnGraph
import FirnOps

/// A loop whose body works row by row: some rows of every carry, slice and output are made of just these rows, so the
/// whole loop can be run on a share of them, with no other share in sight.
///
/// Rows lie along the first axis of what goes into the body and comes out of it, as the batch does in a recurrent
/// network; within the body they may lie along any. Weights are read whole. No sum goes over rows, so the bits are
/// those of the loop run at once.
struct LoopRows {
  let scan: Scan
  /// How many there are.
  let count: Int
  /// For each operand, whether its rows are taken; false for one that is read whole.
  let isByRows: [Bool]
  /// Whether something in it can fail.
  ///
  /// A share would tell the place of a fault among its own rows, and not which fault comes first, so that the loop has
  /// to be run whole for that.
  var canFail: Bool { body.canFail }
  private let body: RowAnalysis

  /// Nil where some value of the body depends on more rows than one, or it is not known.
  ///
  /// - Parameter scan: its dimensions are numbers.
  init?(_ scan: Scan) {
    guard let first = scan.body.outputs.first,
      let count = scan.body.type(of: first).shape.first?.value, count > 1,
      let body = RowAnalysis(scan.body, count: count)
    else { return nil }
    var isByRows = [Bool](repeating: false, count: scan.operandCount)
    for operand in 0..<scan.carries + scan.slices { isByRows[operand] = true }
    for (position, node) in scan.body.nodes.enumerated() {
      guard let input = node.loopInput, let operand = scan.operand(of: input) else { continue }
      switch body.rows(Value(position)) {
      case .along(0): isByRows[operand] = true
      case .along: return nil
      case .whole: if input.kind != .capture { return nil }
      case nil: break
      }
    }
    self.scan = scan
    self.count = count
    self.isByRows = isByRows
    self.body = body
  }

  /// The loop in shares for so many workers; nil where they would be too thin, or the weights too large for each worker
  /// to read them all.
  func shares(among workers: Int, _ sharing: LoopSharing) -> [LoopShare]? {
    let number = min(workers, count / sharing.leastRows)
    guard number > 1, wholeBytes <= sharing.mostBytes else { return nil }
    var shares: [LoopShare] = []
    for share in 0..<number {
      let rows = count * share / number..<count * (share + 1) / number
      guard let scan = loop(over: rows.count) else { return nil }
      shares.append(LoopShare(scan: scan, rows: rows, count: count, isByRows: isByRows))
    }
    return shares
  }

  /// Bytes of what every share reads whole, but for tables that it looks up in.
  private var wholeBytes: Int {
    scan.body.nodes.enumerated().reduce(0) { total, entry in
      let isGiven =
        if case .holds = entry.element.op.effect { true } else { entry.element.loopInput?.kind == .capture }
      guard isGiven, body.isReadInFull(Value(entry.offset)), let type = ArrayType(entry.element.types[0])
      else { return total }
      return total.saturatingSum(type.byteCount)
    }
  }

  /// The loop over so many rows.
  func loop(over count: Int) -> Scan? {
    body.graph(of: count).map { scan.with(body: $0) }
  }
}

/// When a loop is shared out by rows.
package struct LoopSharing: Sendable {
  /// Of a share; fewer fill a product's tile too badly.
  package var leastRows: Int
  /// Of what every share reads whole in each of its steps.
  package var mostBytes: Int

  package init(leastRows: Int, mostBytes: Int) {
    self.leastRows = leastRows
    self.mostBytes = mostBytes
  }

  /// The bytes are half of a core's second-level cache, as common servers have it.
  package static let standard = LoopSharing(leastRows: 8, mostBytes: 1 << 20)
}

/// A loop over some of the rows.
struct LoopShare {
  /// Its types are those of the share.
  let scan: Scan
  let rows: Range<Int>
  /// How many rows there are in all.
  let count: Int
  /// For each operand, whether its rows are taken.
  let isByRows: [Bool]

  /// Bytes before its rows, of a value whose part here is of `type`.
  func offset(of type: ArrayType) -> Int { type.byteCount / rows.count * rows.lowerBound }

  /// Bytes of all rows.
  func stride(of type: ArrayType) -> Int { type.byteCount / rows.count * count }
}

/// Along which axis rows lie in each value of a loop's body.
private struct RowAnalysis {
  enum Rows: Hashable {
    case along(Int)
    /// Read whole, whatever rows are made.
    case whole
  }

  private let graph: GraphDef
  private let count: Int
  private let index: ValueIndex
  /// Nil for a value nobody reads.
  private var known: [Rows?]
  /// Whether a value is read whole, and not only looked up in.
  private var readInFull: [Bool]
  private(set) var canFail = false
  /// Of the loops in the body, by the position of their node; looked into once, however deep they nest.
  private var inner: [Int: LoopRows] = [:]

  /// From the outputs backwards; nil where rows do not keep apart.
  init?(_ graph: GraphDef, count: Int) {
    self.graph = graph
    self.count = count
    index = ValueIndex(graph)
    known = Array(repeating: nil, count: index.count)
    readInFull = Array(repeating: false, count: index.count)
    for output in graph.outputs {
      guard require(.along(0), of: output) else { return nil }
    }
    for position in graph.nodes.indices.reversed() {
      guard visit(position) else { return nil }
    }
  }

  func rows(_ value: Value) -> Rows? { known[index[value]] }

  func isReadInFull(_ value: Value) -> Bool { readInFull[index[value]] }

  private mutating func require(_ rows: Rows, of value: Value) -> Bool {
    let place = index[value]
    if case .along(let axis) = rows, known[place] == nil {
      let shape = graph.type(of: value).shape
      guard shape.indices.contains(axis), shape[axis].value == count else { return false }
    }
    if known[place] == nil { known[place] = rows }
    return known[place] == rows
  }

  private mutating func visit(_ position: Int) -> Bool {
    let node = graph.nodes[position]
    let results = node.types.indices.map { rows(Value(position, $0)) }
    // Nothing that is never read is in a body once dead code is gone.
    guard let first = results.firstIndex(where: { $0 != nil }), let wanted = results[first] else {
      return false
    }
    if node.op.canFail { canFail = true }
    guard case .along(let axis) = wanted else {
      for input in node.inputs { readInFull[index[input]] = true }
      return node.inputs.allSatisfy { require(.whole, of: $0) }
        && results.allSatisfy { $0 == nil || $0 == .whole }
    }
    switch node.op.effect {
    case .receives: return node.loopInput?.kind != .index
    case .none: break
    default: return false
    }
    let operands: [Int?]
    let made: [Int]
    var lookedUp: [Int] = []
    if let scan = node.loop {
      // A loop in the body: what it stacks has its rows behind the steps.
      guard axis == (first < scan.carries ? 0 : 1), let rows = LoopRows(scan) else { return false }
      inner[position] = rows
      operands = (0..<scan.operandCount).map { operand in
        rows.isByRows[operand] ? (scan.sliceRange.contains(operand) ? 1 : 0) : nil
      }
      made = node.types.indices.map { $0 < scan.carries ? 0 : 1 }
    } else {
      guard
        let rule = node.op.rows(
          along: axis, of: first, count: Dim(count), in: graph.types(round: position))
      else { return false }
      (operands, made, lookedUp) = (rule.operands, rule.results, rule.lookedUp)
    }
    for (operand, input) in node.inputs.enumerated()
    where operands[operand] == nil && !lookedUp.contains(operand) {
      readInFull[index[input]] = true
    }
    for (result, axis) in made.enumerated() {
      guard require(.along(axis), of: Value(position, result)) else { return false }
    }
    return zip(node.inputs, operands).allSatisfy { input, axis in
      require(axis.map(Rows.along) ?? .whole, of: input)
    }
  }

  /// What makes so many rows in the place of a node.
  private func op(_ position: Int, along axis: Int, of result: Int, count: Int) -> (any Op)? {
    if let rows = inner[position] { return rows.loop(over: count) }
    return graph.nodes[position].op.rows(
      along: axis, of: result, count: Dim(count), in: graph.types(round: position))?.op
  }

  /// The graph that makes so many rows.
  func graph(of count: Int) -> GraphDef? {
    var nodes = graph.nodes
    for position in nodes.indices {
      let wanted = nodes[position].types.indices.map { rows(Value(position, $0)) }
      guard let first = wanted.firstIndex(where: { $0 != nil }), case .along(let axis)? = wanted[first] else {
        continue
      }
      var types = nodes[position].types
      for (result, rows) in wanted.enumerated() {
        if case .along(let axis)? = rows { types[result].shape[axis] = Dim(count) }
      }
      if let input = nodes[position].loopInput {
        nodes[position].op = LoopInput(input.kind, input.position, type: types[0])
      } else {
        guard let op = op(position, along: axis, of: first, count: count) else { return nil }
        nodes[position].op = op
      }
      nodes[position].types = types
    }
    return GraphDef(nodes: nodes, outputs: graph.outputs, variables: graph.variables)
  }
}
