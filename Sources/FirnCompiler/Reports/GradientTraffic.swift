import FirnGraph
import FirnOps

/// What gradients do, and would do without stops, in one graph: the outermost, or a loop's body.
struct GradientTraffic {
  let graph: GraphDef
  let flow: FlowGraph
  /// The loops that `graph` is the body of, outermost first.
  let loops: [String]
  /// That the loss does not depend on something, in words.
  private let independence: String

  /// Values that vary with something trained, by edges that gradients pass; and if no stop were in the way.
  private(set) var varies: [Bool] = []
  private var couldVary: [Bool] = []
  /// Values that a gradient of the loss gets to; and if no stop were in the way.
  private(set) var isAsked: [Bool] = []
  private var couldBeAsked: [Bool] = []
  /// Values the loss depends on in any way.
  private var isNeeded: [Bool] = []

  /// Of the outermost graph.
  init(_ loss: LossFlow, _ trainability: Trainability) {
    self.init(loss.graph, loss.routes, loops: [], independence: loss.independence)
    let trained = loss.reads.filter { trainability.isTrained($0.key) }.flatMap(\.value)
    let ends = loss.ends
    mark(trained: trained, couldTrain: trained, asked: ends, couldAsk: ends, needed: ends)
  }

  private init(_ graph: GraphDef, _ flow: FlowGraph, loops: [String], independence: String) {
    self.graph = graph
    self.flow = flow
    self.loops = loops
    self.independence = independence
  }

  private mutating func mark(
    trained: [Int], couldTrain: [Int], asked: [Int], couldAsk: [Int], needed: [Int]
  ) {
    let passes = { (edge: FlowGraph.Edge) in edge.flow == .passes }
    let couldPass = { (edge: FlowGraph.Edge) in edge.flow == .passes || edge.flow == .stopped }
    varies = flow.above(trained, passes)
    couldVary = flow.above(couldTrain, couldPass)
    isAsked = flow.below(asked, passes)
    couldBeAsked = flow.below(couldAsk, couldPass)
    isNeeded = flow.below(needed) { _ in true }
  }

  // MARK: Stops

  /// Stops that could go without any gradient coming to be, those in bodies of loops included.
  func idleStops() -> [Finding] { idleStops { _ in [] } }

  /// A stop right on a state variable says that what earlier runs left is not differentiated; it is meant.
  private func isState(_ value: Int) -> Bool {
    guard case .reads(let name) = graph.nodes[flow.node(of: value)].op.effect else { return false }
    return graph.variables.contains { $0.name == name && $0.kind == .state }
  }

  /// - Parameter cutsOutside: what keeps gradients from an output of this body, where that is not in it.
  private func idleStops(_ cutsOutside: (Int) -> [NodePlace]) -> [Finding] {
    var findings: [Finding] = []
    for edge in flow.edges where edge.flow == .stopped {
      let node = graph.nodes[flow.node(of: edge.to)]
      guard node.phase == .forward, node.isStop, !node.isOfFormula, !isState(edge.from) else { continue }
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
        ? independence
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
        cuts(above: flow.index[Value(position, output)], cutsOutside)
      }
    }
    return findings
  }

  /// Where the paths from a value to the loss are first cut.
  private func cuts(above value: Int, _ cutsOutside: (Int) -> [NodePlace]) -> [NodePlace] {
    let marks = flow.above([value]) { $0.flow == .passes }
    var found: [NodePlace] = []
    func add(_ place: NodePlace) {
      if found.count < LossFlow.listed, !found.contains(place) { found.append(place) }
    }
    for edge in flow.edges where edge.flow != .passes && marks[edge.from] && isNeeded[edge.to] {
      add(NodePlace(graph.nodes[flow.node(of: edge.to)], in: loops))
    }
    if !loops.isEmpty {
      for (number, output) in graph.outputs.enumerated() where marks[flow.index[output]] {
        cutsOutside(number).forEach(add)
      }
    }
    return found
  }

  /// The same inside the loop at `position`.
  func body(of position: Int) -> GradientTraffic? {
    let node = graph.nodes[position]
    guard let loop = node.loop else { return nil }
    let body = loop.body
    let inner = FlowGraph(body: body)
    let parameters = body.nodes.enumerated().compactMap { index, node in
      node.loopInput.map { (op: $0, value: inner.index[Value(index)]) }
    }
    var traffic = GradientTraffic(body, inner, loops: loops + [node.name], independence: independence)
    func entries(_ marks: [Bool]) -> [Int] {
      parameters.filter { parameter in
        loop.operand(of: parameter.op).map { marks[flow.index[node.inputs[$0]]] } ?? false
      }.map(\.value)
    }
    func exits(_ marks: [Bool]) -> [Int] {
      node.types.indices.filter { marks[flow.index[Value(position, $0)]] }.map {
        inner.index[body.outputs[$0]]
      }
    }
    traffic.mark(
      trained: entries(varies), couldTrain: entries(couldVary), asked: exits(isAsked),
      couldAsk: exits(couldBeAsked), needed: exits(isNeeded))
    return traffic
  }
}
