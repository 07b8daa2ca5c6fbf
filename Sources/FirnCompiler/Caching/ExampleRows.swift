package import FirnGraph
import FirnOps

/// For each value of a graph, along which axes it has a row for each example, made of that example alone.
///
/// Asks each op's `rows` once for each axis, operands before results. Whatever else a value holds besides its rows (a
/// number, a table of weights) must be the same whatever examples are fed, and however many.
package struct ExampleRows: Sendable {
  /// What is known of one value.
  package struct Fact: Hashable, Sendable {
    /// Axes along which each row is made of what belongs to one example; one bit an axis.
    var axes: UInt64 = 0
    /// Whether it varies with the examples that are fed, be it only with their number.
    package var variesWithExamples = false

    func has(_ axis: Int) -> Bool { axis < UInt64.bitWidth && axes >> UInt64(axis) & 1 == 1 }

    mutating func add(_ axis: Int) { if axis < UInt64.bitWidth { axes |= 1 << UInt64(axis) } }

    /// What both are.
    func met(by other: Fact) -> Fact {
      Fact(axes: axes & other.axes, variesWithExamples: variesWithExamples || other.variesWithExamples)
    }

    /// With a new first axis, which is no example's.
    var stacked: Fact { Fact(axes: axes << 1, variesWithExamples: variesWithExamples) }

    /// A step along the first axis; where that has the examples, none of them is told from others any more.
    var sliced: Fact { Fact(axes: axes >> 1, variesWithExamples: variesWithExamples) }
  }

  /// How many examples a batch has: the extent of every axis of examples.
  package let count: Dim
  private let names: Set<String>
  private let index: ValueIndex
  private var facts: [Fact]

  /// - Parameters:
  ///   - examples: names of the placeholders whose first axis has a row for each example.
  ///   - count: the extent of that axis.
  package init(_ graph: GraphDef, examples: Set<String>, count: Dim) {
    self.init(graph, count: count, names: Set(count.names)) { node in
      guard case .feeds = node.op.effect, examples.contains(node.name) else { return Fact() }
      let shape = node.types[0].shape
      var fact = Fact(variesWithExamples: true)
      if shape.first == count { fact.add(0) }
      return fact
    }
  }

  private init(_ graph: GraphDef, count: Dim, names: Set<String>, source: (Node) -> Fact) {
    self.count = count
    self.names = names
    index = ValueIndex(graph)
    facts = Array(repeating: Fact(), count: index.count)
    for (position, node) in graph.nodes.enumerated() {
      let found =
        node.inputs.isEmpty && !node.traits.isDisjoint(with: .effects)
        ? [sourced(source(node), node)] : results(of: position, in: graph)
      for (result, fact) in found.enumerated() { facts[index[Value(position, result)]] = fact }
    }
  }

  package subscript(value: Value) -> Fact { facts[index[value]] }

  /// The first axis with a row for each example; nil where there is none.
  package func axis(of value: Value, in graph: GraphDef) -> Int? {
    let fact = self[value]
    return graph.type(of: value).shape.indices.first { fact.has($0) }
  }

  /// Whether an extent moves with the number of examples.
  private func moves(_ dimension: Dim) -> Bool {
    names.isEmpty ? false : dimension.names.contains(where: names.contains)
  }

  /// A row must not have an extent that is the number of examples.
  private func sourced(_ fact: Fact, _ node: Node) -> Fact {
    var fact = fact
    let open = node.types[0].shape.enumerated().contains { !fact.has($0.offset) && moves($0.element) }
    if open || node.op.openDimensions.contains(where: { names.contains($0) }) && fact.axes == 0 {
      fact = Fact(variesWithExamples: true)
    }
    return fact
  }

  private func results(of position: Int, in graph: GraphDef) -> [Fact] {
    let node = graph.nodes[position]
    let operands = node.inputs.map { self[$0] }
    if let scan = node.loop { return results(of: scan, operands) }
    let types = graph.types(round: position)
    let varies = operands.contains(where: \.variesWithExamples)
    let isOpen =
      !names.isEmpty
      && (types.operands.contains { $0.shape.contains(where: moves) }
        || node.op.openDimensions.contains(where: names.contains))
    return node.types.indices.map { result in
      var fact = Fact(variesWithExamples: varies)
      let shape = node.types[result].shape
      for axis in shape.indices where shape[axis] == count {
        guard let rule = node.op.rows(along: axis, of: result, count: count, in: types),
          rule.operands.count == operands.count, rule.results.indices.contains(result),
          rule.results[result] == axis
        else { continue }
        let isByRows = zip(operands, rule.operands).allSatisfy { operand, from in
          if let from { operand.has(from) } else { !operand.variesWithExamples }
        }
        if isByRows { fact.add(axis) }
      }
      let isRagged = shape.enumerated().contains { !fact.has($0.offset) && moves($0.element) }
      if isRagged || fact.axes == 0 && isOpen { fact = Fact(variesWithExamples: true) }
      return fact
    }
  }

  /// Of a loop: what its body makes of what comes in, until carries stay as they are.
  private func results(of scan: Scan, _ operands: [Fact]) -> [Fact] {
    var carries = scan.carryRange.map { operands[$0] }
    // As many steps as there are examples say how many there are.
    let isCounted = moves(scan.length)
    while true {
      let body = ExampleRows(scan.body, count: count, names: names) { node in
        guard let input = node.loopInput, let operand = scan.operand(of: input) else { return Fact() }
        return switch input.kind {
        case .carry: carries[input.position]
        case .slice: operands[operand].sliced
        case .capture: operands[operand]
        case .index: Fact()
        }
      }
      let made = scan.body.outputs.map { body[$0] }
      let next = zip(carries, made).map { $0.met(by: $1) }
      guard next == carries else {
        carries = next
        continue
      }
      let results = carries + made.dropFirst(scan.carries).map(\.stacked)
      return isCounted ? results.map { _ in Fact(variesWithExamples: true) } : results
    }
  }
}
