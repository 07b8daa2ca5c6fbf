import FirnGraph
import FirnOps
import Testing

/// An op on concrete operands with what it makes of them: what its answers are held against.
struct AskedOp {
  let op: any Op
  let operands: [NDArray]
  let node: NodeTypes
  let results: [NDArray]

  init(_ op: any Op, _ operands: [NDArray]) throws {
    self.op = op
    self.operands = operands
    results = try op.results(of: operands)
    node = NodeTypes(operands: operands.map(\.tensorType), results: results.map(\.tensorType))
  }

  init(_ sample: OpSample, _ dtype: DType) throws {
    let (graph, node, arrays) = sample.graph(dtype)
    try self.init(graph.nodes[node].op, arrays)
  }

  /// What is wrong with what it says of itself; nothing where it is right.
  func faults() throws -> [String] {
    try elementwiseFaults() + rowFaults() + narrowingFaults() + stepFaults()
  }

  // MARK: Element by element

  /// The places of all operands exchanged exchange those of the results, and nothing else.
  private func elementwiseFaults() throws -> [String] {
    if op.isQuick, !op.isInstruction || op.canFail {
      return ["is quick, yet no instruction that cannot fail"]
    }
    guard op.isElementwise else { return [] }
    let shape = node.shape
    guard (node.operands + node.results).allSatisfy({ $0.shape == shape }) else {
      return ["is elementwise, of shapes that differ"]
    }
    let again = try op.results(of: operands.map { $0.shuffled() })
    return zip(results, again).allSatisfy { $0.shuffled().isBitwiseEqual(to: $1) }
      ? [] : ["is elementwise, yet the place of an element matters"]
  }

  // MARK: Rows

  private func rowFaults() throws -> [String] {
    var faults: [String] = []
    for (result, whole) in results.enumerated() {
      for (axis, extent) in whole.shape.enumerated() {
        for range in Self.ranges(extent) {
          guard let rule = op.rows(along: axis, of: result, count: Dim(range.count), in: node) else {
            continue
          }
          faults += try self.faults(of: rule, along: axis, of: result, range)
        }
      }
    }
    return faults
  }

  private func faults(of rule: RowRule, along axis: Int, of result: Int, _ range: Range<Int>) throws
    -> [String]
  {
    let what = "rows \(range) along \(axis)"
    guard rule.operands.count == operands.count, rule.results.count == results.count else {
      return ["\(what): the rule is not of as many operands and results"]
    }
    guard rule.results[result] == axis else { return ["\(what) lie along \(rule.results[result])"] }
    if range.count == results[result].shape[axis], !rule.op.isEqual(to: op) {
      return ["\(what) are all, yet \(rule.op.attributes) make them"]
    }
    let wanted = zip(results, rule.results).map { $0.taking(range, along: $1) }
    return zip(try rows(range, by: rule), wanted).allSatisfy { $0.isBitwiseEqual(to: $1) }
      ? [] : ["\(what) differ from those of the whole"]
  }

  private func rows(_ range: Range<Int>, by rule: RowRule) throws -> [NDArray] {
    let parts = zip(operands, rule.operands).map { operand, axis in
      axis.map { operand.taking(range, along: $0) } ?? operand
    }
    return try rule.op.results(of: parts)
  }

  // MARK: Blocks

  /// How a block of the only result is made, evaluated; nil where that is not known.
  func narrowed(to block: Block) throws -> NDArray? {
    switch op.narrowed(to: block, in: node) {
    case .notKnown: return nil
    case .byRows:
      guard let rule = op.rows(along: block.axis, of: 0, count: Dim(block.range.count), in: node) else {
        return nil
      }
      return try rows(block.range, by: rule)[0]
    case .expression(let expression):
      return try expression.evaluated { part in
        let operand = operands[part.operand]
        return part.block.map { operand.taking($0.range, along: $0.axis) } ?? operand
      }
    }
  }

  private func narrowingFaults() throws -> [String] {
    guard results.count == 1 else { return [] }
    var faults: [String] = []
    for (axis, extent) in results[0].shape.enumerated() {
      for range in Self.ranges(extent) where range.count < extent {
        guard let part = try narrowed(to: Block(axis: axis, range: range)) else { continue }
        if !part.isBitwiseEqual(to: results[0].taking(range, along: axis)) {
          faults.append("block \(range) along \(axis) differs from that of the whole")
        }
      }
    }
    return faults
  }

  /// All, the first, the last, all but the first, and some in the middle.
  private static func ranges(_ extent: Int) -> Set<Range<Int>> {
    if extent == 0 { return [] }
    return [
      0..<extent, 0..<1, extent - 1..<extent, min(1, extent - 1)..<extent,
      extent / 3..<extent / 3 + (extent + 2) / 3,
    ]
  }

  // MARK: What is known at all

  /// The questions it has an answer to, other than no.
  var answered: Set<Question> {
    var known: Set<Question> = op.isElementwise ? [.elementwise] : []
    for (result, whole) in results.enumerated() {
      for (axis, extent) in whole.shape.enumerated() where extent > 0 {
        if op.rows(along: axis, of: result, count: 1, in: node) != nil { known.insert(.rows) }
        if results.count == 1, case .notKnown = op.narrowed(to: Block(axis: axis, range: 0..<1), in: node) {
          continue
        }
        if results.count == 1 { known.insert(.narrowed) }
      }
    }
    if patterns.contains(where: { op.overSteps(3, varying: $0, in: node) != nil }) {
      known.insert(.overSteps)
    }
    if !factors.isEmpty { known.insert(.factor) }
    return known
  }

  enum Question: String, CaseIterable {
    case elementwise, rows, narrowed, overSteps, factor
  }

  // MARK: Steps

  private var patterns: [[Bool]] {
    (1..<1 << operands.count).map { bits in operands.indices.map { bits >> $0 & 1 == 1 } }
  }

  private func stepFaults() throws -> [String] {
    guard results.count == 1, !operands.isEmpty else { return [] }
    var faults: [String] = []
    for varying in patterns {
      guard let rule = op.overSteps(3, varying: varying, in: node) else { continue }
      let steps = (0..<3).map { step in
        zip(operands, varying).map { $1 ? $0.rotated(by: step) : $0 }
      }
      let single = try steps.map { try op.results(of: $0)[0] }
      let all = try rule.expression.evaluated { operand in
        varying[operand] ? NDArray.stacked(steps.map { $0[operand] }) : operands[operand]
      }
      if !all.isBitwiseEqual(to: .stacked(single)) {
        faults.append("over steps, varying \(varying), it differs")
      }
      let named = try op.overSteps("time", varying: varying, in: node)?.expression.type { operand in
        let type = node.operands[operand]
        return varying[operand] ? TensorType(type.dtype, Shape(["time"] + type.shape)) : type
      }
      if named != TensorType(node.results[0].dtype, Shape(["time"] + node.shape)) {
        faults.append("over a named number of steps, it is \(named.map(\.description) ?? "not known")")
      }
    }
    return faults
  }
}
