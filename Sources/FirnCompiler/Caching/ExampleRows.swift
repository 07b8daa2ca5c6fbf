package import FirnGraph
import FirnOps

/// For each value of a graph, along which axes it has a row for each example, made of that example alone.
///
/// Asks each op's `rows` once for each axis, operands before results. Whatever else a value holds besides its rows (a
/// number, a table of weights) must be the same whatever examples are fed, and however many.
package struct ExampleRows: Sendable {
  /// What an axis has of examples.
  package enum Axis: Hashable, Sendable {
    /// Nothing that could be told apart.
    case none
    /// The same in every row.
    case alike
    /// `outer` times for each example `inner` rows one behind the other, which are made of that example alone.
    case rows(outer: Dim, inner: Dim)

    /// What both are.
    func met(by other: Axis) -> Axis {
      switch (self, other) {
      case _ where self == other: self
      case (.alike, .rows): other
      case (.rows, .alike): self
      default: .none
      }
    }
  }

  /// What is known of one value.
  package struct Fact: Hashable, Sendable {
    /// By axis; what is not there is `none`.
    var axes: [Axis] = []
    /// Whether it varies with the examples that are fed, be it only with their number.
    package var variesWithExamples = false

    func axis(_ axis: Int) -> Axis { axes.indices.contains(axis) ? axes[axis] : .none }

    /// Whether some axis has examples, or would have were there any.
    var isByExamples: Bool { axes.contains { $0 != .none } }

    /// What both are.
    func met(by other: Fact) -> Fact {
      Fact(
        axes: (0..<max(axes.count, other.axes.count)).map { axis($0).met(by: other.axis($0)) },
        variesWithExamples: variesWithExamples || other.variesWithExamples)
    }

    /// With a new first axis, which is no example's.
    var stacked: Fact { Fact(axes: [.none] + axes, variesWithExamples: variesWithExamples) }

    /// A step along the first axis; where that has the examples, none of them is told from others any more.
    var sliced: Fact { Fact(axes: Array(axes.dropFirst()), variesWithExamples: variesWithExamples) }
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
      if shape.first == count { fact.axes = [.rows(outer: 1, inner: 1)] }
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

  /// The first axis with rows for each example, and how they lie there; nil where there is none.
  package func place(of value: Value) -> (axis: Int, outer: Dim, inner: Dim)? {
    for (axis, entry) in self[value].axes.enumerated() {
      if case .rows(let outer, let inner) = entry { return (axis, outer, inner) }
    }
    return nil
  }

  /// Whether an extent moves with the number of examples.
  private func moves(_ dimension: Dim) -> Bool {
    names.isEmpty ? false : dimension.names.contains(where: names.contains)
  }

  /// A row must not have an extent that is the number of examples.
  private func sourced(_ fact: Fact, _ node: Node) -> Fact {
    let isOpen = node.op.openDimensions.contains(where: names.contains)
    return isRagged(fact, node.types[0].shape) || isOpen && !fact.isByExamples
      ? Fact(variesWithExamples: true) : fact
  }

  /// Whether the number of examples decides an extent along which nothing is known of them.
  private func isRagged(_ fact: Fact, _ shape: Shape) -> Bool {
    shape.enumerated().contains { fact.axis($0.offset) == .none && moves($0.element) }
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
      let shape = node.types[result].shape
      var fact = Fact(
        axes: shape.indices.map { axis(node.op, along: $0, of: result, types, operands) },
        variesWithExamples: varies)
      if case .view(let operand) = node.op.aliasing, result == 0 {
        let seen = view(of: operands[operand], types.operands[operand].shape, as: shape)
        fact.axes = zip(fact.axes, seen).map { $0 == .none ? $1 : $0 }
      }
      return isRagged(fact, shape) || isOpen && !fact.isByExamples ? Fact(variesWithExamples: true) : fact
    }
  }

  /// What an axis of a result has, by what the op says of its rows.
  private func axis(
    _ op: any Op, along axis: Int, of result: Int, _ types: NodeTypes, _ operands: [Fact]
  ) -> Axis {
    let extent = types.results[result].shape[axis]
    guard extent.divided(exactlyBy: count) != nil,
      let rule = op.rows(along: axis, of: result, count: extent, in: types),
      rule.operands.count == operands.count, rule.results.indices.contains(result),
      rule.results[result] == axis
    else { return .none }
    var found = Axis.alike
    for (operand, from) in rule.operands.enumerated() {
      guard let from else {
        if operands[operand].variesWithExamples { return .none }
        continue
      }
      guard types.operands[operand].shape[from] == extent else { return .none }
      found = found.met(by: operands[operand].axis(from))
      if found == .none { return .none }
    }
    return found
  }

  /// By axis of `shape`, what it has of the same elements in the same order as in an operand.
  private func view(of operand: Fact, _ source: Shape, as shape: Shape) -> [Axis] {
    var axes = [Axis](repeating: .none, count: shape.rank)
    for (axis, entry) in operand.axes.enumerated() {
      let (outer, inner): (Dim, Dim)
      switch entry {
      case .rows(let o, let i): (outer, inner) = (o, i)
      case .alike where source[axis] == count: (outer, inner) = (1, 1)
      case .alike, .none: continue
      }
      // So many times before the examples, and so many elements of each at once.
      let before = Shape(Array(source.dimensions[..<axis])).elementCount * outer
      let after = Shape(Array(source.dimensions[(axis + 1)...])).elementCount * inner
      for place in shape.indices {
        guard
          let outer = before.divided(
            exactlyBy: Shape(Array(shape.dimensions[..<place])).elementCount),
          let inner = after.divided(
            exactlyBy: Shape(Array(shape.dimensions[(place + 1)...])).elementCount),
          shape[place] == outer * count * inner
        else { continue }
        axes[place] = .rows(outer: outer, inner: inner)
        break
      }
    }
    return axes
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
