import FirnGraph

/// What gradients do, and would do without stops, in one graph: the outermost, or a loop's body.
struct GradientTraffic {
  private let graph: GraphDef
  private let table: FlowTable
  /// The loops that `graph` is the body of, outermost first.
  private let loops: [String]
  /// Outputs that are the next values of parameters; pairs of values.
  private let carries: [(output: Int, parameter: Int)]

  /// Values that vary with something trained, by edges that gradients pass; and if no stop were in the way.
  private var varies: [Bool] = []
  private var couldVary: [Bool] = []
  /// Values that a gradient of the loss gets to; and if no stop were in the way.
  private var isAsked: [Bool] = []
  private var couldBeAsked: [Bool] = []
  /// Values the loss depends on in any way.
  private var isNeeded: [Bool] = []

  /// Of the outermost graph.
  init(_ flow: FlowGraph) {
    self.init(flow.graph, table: flow.table, loops: [], carries: [])
    let loss = flow.loss.map { [$0] } ?? []
    mark(trained: flow.trainedReads, couldTrain: flow.trainedReads, asked: loss, couldAsk: loss, needed: loss)
  }

  private init(
    _ graph: GraphDef, table: FlowTable, loops: [String], carries: [(output: Int, parameter: Int)]
  ) {
    self.graph = graph
    self.table = table
    self.loops = loops
    self.carries = carries
  }

  private mutating func mark(
    trained: [Int], couldTrain: [Int], asked: [Int], couldAsk: [Int], needed: [Int]
  ) {
    let passes = { (edge: FlowTable.Edge) in edge.flow == .passes }
    let couldPass = { (edge: FlowTable.Edge) in edge.flow == .passes || edge.flow == .stopped }
    varies = above(trained, passes)
    couldVary = above(couldTrain, couldPass)
    isAsked = below(asked, passes)
    couldBeAsked = below(couldAsk, couldPass)
    isNeeded = below(needed) { _ in true }
  }

  // MARK: Rounds

  /// As the table says, and round the loop as often as that marks more.
  private func above(_ starts: [Int], _ isOpen: (FlowTable.Edge) -> Bool) -> [Bool] {
    rounds(starts, carries.map { ($0.output, $0.parameter) }) { table.above($0, isOpen) }
  }

  private func below(_ starts: [Int], _ isOpen: (FlowTable.Edge) -> Bool) -> [Bool] {
    rounds(starts, carries.map { ($0.parameter, $0.output) }) { table.below($0, isOpen) }
  }

  private func rounds(
    _ starts: [Int], _ links: [(from: Int, to: Int)], _ walk: ([Int]) -> [Bool]
  ) -> [Bool] {
    var starts = starts
    while true {
      let marks = walk(starts)
      let more = links.filter { marks[$0.from] && !marks[$0.to] }.map(\.to)
      if more.isEmpty { return marks }
      starts += more
    }
  }

  // MARK: Stops

  /// Stops that could go without any gradient coming to be, those in bodies of loops included.
  func idleStops() -> [Finding] { idleStops { _ in [] } }

  /// A stop right on a state variable says that what earlier runs left is not differentiated; it is meant.
  private func isState(_ value: Int) -> Bool {
    guard let name = (graph.nodes[table.node(of: value)].op as? ReadVariable)?.variable else { return false }
    return graph.variables.contains { $0.name == name && $0.kind == .state }
  }

  /// - Parameter cutsOutside: what keeps gradients from an output of this body, where that is not in it.
  private func idleStops(_ cutsOutside: (Int) -> [NodePlace]) -> [Finding] {
    var findings: [Finding] = []
    for edge in table.edges where edge.flow == .stopped {
      let node = graph.nodes[table.node(of: edge.to)]
      guard node.phase == .forward, node.op is PassThrough, !isState(edge.from) else { continue }
      if varies[edge.from], isAsked[edge.to] { continue }
      let place = NodePlace(node, in: loops)
      let name = "stop_gradient `\(place.path)`"
      if couldVary[edge.from], couldBeAsked[edge.to] {
        if isAsked[edge.to] { continue }
        let cuts = cuts(above: edge.to, cutsOutside)
        findings.append(
          Finding(
            .stopBehindStop,
            "\(name) stops nothing: no gradient gets to it past "
              + cuts.map { "`\($0.path)`" }.joined(separator: ", "), places: [place] + cuts,
            remedy: "one of them is enough; remove the other"))
        continue
      }
      let reason =
        !isNeeded[edge.to]
        ? "the loss does not depend on it"
        : !couldBeAsked[edge.to]
          ? "an op without derivative lies between it and the loss" : "nothing trained lies behind it"
      findings.append(
        Finding(
          .stopWithoutEffect, "\(name) changes nothing: \(reason)", places: [place],
          remedy: "remove it, or check that it stands where it should"))
    }
    for position in graph.nodes.indices where graph.nodes[position].phase == .forward {
      guard let body = body(of: position) else { continue }
      findings += body.idleStops { output in
        cuts(above: table.index[Value(position, output)], cutsOutside)
      }
    }
    return findings
  }

  /// Where the paths from a value to the loss are first cut.
  private func cuts(above value: Int, _ cutsOutside: (Int) -> [NodePlace]) -> [NodePlace] {
    let marks = above([value]) { $0.flow == .passes }
    var found: [NodePlace] = []
    func add(_ place: NodePlace) {
      if found.count < FlowGraph.listed, !found.contains(place) { found.append(place) }
    }
    for edge in table.edges where edge.flow != .passes && marks[edge.from] && isNeeded[edge.to] {
      add(NodePlace(graph.nodes[table.node(of: edge.to)], in: loops))
    }
    if !loops.isEmpty {
      for (number, output) in graph.outputs.enumerated() where marks[table.index[output]] {
        cutsOutside(number).forEach(add)
      }
    }
    return found
  }

  /// The same inside the loop at `position`.
  private func body(of position: Int) -> GradientTraffic? {
    let node = graph.nodes[position]
    guard let loop = node.op as? any LoopOp, let body = graph.nestedGraph(of: position) else { return nil }
    let inner = FlowTable(body)
    let parameters = body.nodes.enumerated().compactMap { index, node in
      (node.op as? LoopInput).map { (op: $0, value: inner.index[Value(index)]) }
    }
    var traffic = GradientTraffic(
      body, table: inner, loops: loops + [node.name],
      carries: parameters.filter { $0.op.kind == .carry }.map {
        (inner.index[body.outputs[$0.op.position]], $0.value)
      })
    func entries(_ marks: [Bool]) -> [Int] {
      parameters.filter { parameter in
        loop.operand(of: parameter.op).map { marks[table.index[node.inputs[$0]]] } ?? false
      }.map(\.value)
    }
    func exits(_ marks: [Bool]) -> [Int] {
      node.types.indices.filter { marks[table.index[Value(position, $0)]] }.map {
        inner.index[body.outputs[$0]]
      }
    }
    traffic.mark(
      trained: entries(varies), couldTrain: entries(couldVary), asked: exits(isAsked),
      couldAsk: exits(couldBeAsked), needed: exits(isNeeded))
    return traffic
  }
}
