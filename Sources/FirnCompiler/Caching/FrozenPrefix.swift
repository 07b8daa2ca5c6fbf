package import FirnGraph
import FirnOps

/// What of a program can be computed once for each example, and where that is cut off.
///
/// A value can be cached where it varies with data alone, which `Dependence` says, and has a row for each example,
/// which `ExampleRows` says. Which of these are stored is a smallest cut: a byte that is stored for an example is held
/// worth as much as `weight` operations that each step makes for it, and of all ways to divide the work the cheapest is
/// taken.
package struct FrozenPrefix: Sendable {
  /// A finished program, its elementwise nodes by themselves.
  package let graph: GraphDef
  package let rows: ExampleRows
  package let dependence: DependenceAnalysis
  /// By node, whether it can be computed before the step: it varies with data, and with nothing that moves.
  let isCandidate: [Bool]
  /// Operations and bytes of as many examples, in numbers: of this many where a batch has no fixed size.
  private let sizes: DimBinding
  private let index: ValueIndex

  /// How many examples are counted with where a batch has no fixed number of them, and which extent other dimensions
  /// are taken to have whose names nothing binds.
  private static let (assumedExamples, assumedExtent) = (64, 16)

  /// - Parameters:
  ///   - graph: with `fused` nodes taken apart.
  ///   - trained: variables that move besides those the graph writes: in an evaluation, what is trained elsewhere.
  ///   - inputs: which placeholders have a row an example, and which are the same for all.
  package init(_ graph: GraphDef, trained: Set<String> = [], inputs: PrefixInputs) {
    self.graph = graph
    let rows = ExampleRows(graph, examples: inputs.examples, count: inputs.count)
    let dependence = DependenceAnalysis(graph, trained: trained)
    index = ValueIndex(graph)
    var sizes = inputs.binding
    for name in graph.dimensionNames where sizes[name] == nil {
      sizes[name] = inputs.count.names.contains(name) ? Self.assumedExamples : Self.assumedExtent
    }
    self.sizes = sizes
    var isCandidate: [Bool] = []
    isCandidate.reserveCapacity(graph.nodes.count)
    for (position, node) in graph.nodes.enumerated() {
      let varies = node.types.indices.map { dependence[Value(position, $0)] }
      let isKnown =
        switch node.op.effect {
        case .feeds: inputs.knows(node.name)
        case .none:
          node.inputs.allSatisfy { isCandidate[$0.node] || dependence[$0].isEmpty }
        // Sources of another kind, and what writes.
        default: false
        }
      isCandidate.append(
        isKnown && varies.contains(.data) && varies.allSatisfy { $0.isSubset(of: .data) })
    }
    (self.rows, self.dependence, self.isCandidate) = (rows, dependence, isCandidate)
  }

  /// Where a value has the rows that are stored; nil where it cannot be.
  func place(ofStored value: Value) -> (axis: Int, outer: Dim, inner: Dim)? {
    let node = graph.nodes[value.node]
    guard isCandidate[value.node], !node.traits.contains(.feeds), rows[value].variesWithExamples else {
      return nil
    }
    return rows.place(of: value)
  }

  /// No more than this is counted for one node, so that no sum overflows.
  private static let most = 1 << 46

  private func number(_ dimension: Dim) -> Int {
    min(max(dimension.bound(by: sizes).value ?? Self.most, 0), Self.most)
  }

  private func bytes(_ value: Value) -> Int { number(graph.type(of: value).byteCount) }

  private func flops(_ position: Int) -> Int {
    let node = graph.nodes[position]
    return number(node.op.flops(of: node.inputs.map { graph.type(of: $0) }, results: node.types))
  }

  // MARK: Cutting

  /// The cheapest cut where a stored byte is worth `weight` operations; of equally cheap ones the latest.
  ///
  /// - Complexity: that of a smallest cut in a network with an edge for each operand.
  package func cut(weight: Int = 1) -> PrefixCut {
    // Vertices: the source, the sink, one a node that says it is computed in the step, one a value that says the step
    // reads it.
    let (source, sink, nodes) = (0, 1, graph.nodes.count)
    func vertex(_ node: Int) -> Int { 2 + node }
    func vertex(_ value: Value) -> Int { 2 + nodes + index[value] }
    var network = FlowNetwork(vertices: 2 + nodes + index.count)
    var isRead = [Bool](repeating: false, count: index.count)
    func read(_ value: Value, _ network: inout FlowNetwork) {
      guard isCandidate[value.node], !isRead[index[value]] else { return }
      isRead[index[value]] = true
      network.connect(source, to: vertex(value), FlowNetwork.endless)
    }
    for output in graph.outputs { read(output, &network) }
    for (position, node) in graph.nodes.enumerated() {
      guard isCandidate[position] else {
        for input in node.inputs { read(input, &network) }
        continue
      }
      let isFed = node.traits.contains(.feeds)
      network.connect(
        vertex(position), to: sink,
        isFed ? Self.product(bytes(Value(position)), weight) : flops(position))
      for result in node.types.indices {
        let value = Value(position, result)
        network.connect(
          vertex(value), to: vertex(position),
          place(ofStored: value) == nil ? FlowNetwork.endless : Self.product(bytes(value), weight))
      }
      for input in node.inputs where isCandidate[input.node] {
        network.connect(vertex(position), to: vertex(input), FlowNetwork.endless)
      }
    }
    let side = network.sourceSide(from: source, to: sink)
    var stored: [PrefixCut.Stored] = []
    for (position, node) in graph.nodes.enumerated() where isCandidate[position] && !side[vertex(position)] {
      for result in node.types.indices {
        let value = Value(position, result)
        guard side[vertex(value)], let place = place(ofStored: value) else { continue }
        stored.append(
          PrefixCut.Stored(
            value: value, axis: place.axis, outer: place.outer, inner: place.inner,
            type: graph.type(of: value)))
      }
    }
    return PrefixCut(
      stored: stored, isBefore: graph.nodes.indices.map { isCandidate[$0] && !side[vertex($0)] })
  }

  private static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflows) = a.multipliedReportingOverflow(by: b)
    return overflows ? most : min(product, most)
  }

  /// A byte worth more operations than the frozen part of a large network makes for each that it ends in.
  private static let mostWeight = 1 << 26

  /// The cut that is taken and those that store less in exchange for more work in each step, each cheaper in bytes than
  /// the one before; none that stores nothing.
  package func cuts() -> [PrefixCut] {
    var found: [PrefixCut] = []
    var weight = 1
    while weight <= Self.mostWeight {
      let next = cut(weight: weight)
      if next.stored.isEmpty { break }
      let bytes = storedSize(next)
      if found.last.map({ bytes < storedSize($0) }) ?? true { found.append(next) }
      weight *= 4
    }
    return found
  }

  /// Bytes that a cut stores of the examples that are counted with.
  private func storedSize(_ cut: PrefixCut) -> Int { cut.stored.reduce(0) { $0 + bytes($1.value) } }

  // MARK: What a cut is worth

  /// Arithmetic of the nodes that a step need not run.
  package func savedFLOPs(_ cut: PrefixCut) -> Dim {
    graph.nodes.indices.reduce(Dim(0)) { sum, position in
      guard cut.isBefore[position] else { return sum }
      let node = graph.nodes[position]
      return sum + node.op.flops(of: node.inputs.map { graph.type(of: $0) }, results: node.types)
    }
  }

  /// Arithmetic of the whole program.
  package var totalFLOPs: Dim {
    graph.nodes.reduce(Dim(0)) { sum, node in
      sum + node.op.flops(of: node.inputs.map { graph.type(of: $0) }, results: node.types)
    }
  }

  /// Bytes that a cut stores of one example.
  package func bytesPerExample(_ cut: PrefixCut) -> Dim {
    cut.stored.reduce(Dim(0)) { $0 + $1.exampleType.byteCount }
  }
}
