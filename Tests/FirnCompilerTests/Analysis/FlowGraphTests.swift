import FirnGraph
import FirnNotation
import FirnOps
import FirnTestSupport
import Testing

@testable import FirnCompiler

/// The one flow graph against what is found the slow way, on models with loops in loops.
@Suite struct FlowGraphTests {
  private func values(of graph: GraphDef) -> [Value] {
    graph.nodes.indices.flatMap { node in graph.nodes[node].types.indices.map { Value(node, $0) } }
  }

  private func reads(_ names: Set<String>, in graph: GraphDef) -> [Value] {
    graph.variableReads.filter { names.contains($0.variable) }.map(\.value)
  }

  /// Exactly what lies on a way that gradients pass is live; with values held constant, what lies on one that meets none.
  @Test(arguments: 0..<4) func livenessAgreesWithBruteForce(_ block: Int) throws {
    var (live, all) = (0, 0)
    for seed in block * 50..<block * 50 + 50 {
      let model = RandomModel(seed: seed)
      let graph = model.graph.definition
      let slow = SlowFlow(graph)
      let loss = model.loss.value
      let targets = reads(seed % 2 == 0 ? ["a", "c"] : ["b", "d", "e"], in: graph)
      let liveness = FlowGraph(graph.nodes).liveness(of: [loss], withRespectTo: targets)
      let forward = slow.reach(targets.map { SlowFlow.key(graph, $0) })
      let backward = slow.reach([SlowFlow.key(graph, loss)], backwards: true)
      for value in values(of: graph) {
        let key = SlowFlow.key(graph, value)
        let isLive = forward.contains(key) && backward.contains(key)
        #expect(liveness.isLive(value) == isLive, "seed \(seed): \(key)")
        live += isLive ? 1 : 0
        all += 1
      }
    }
    #expect(live > 200 && all - live > 200)
  }

  /// A way is open where a gradient passes, and there is one where the loss depends on the value at all.
  @Test(arguments: 0..<4) func waysAgreeWithBruteForce(_ block: Int) throws {
    var (open, cut, none) = (0, 0, 0)
    for seed in block * 50..<block * 50 + 50 {
      let model = RandomModel(seed: seed)
      let graph = model.graph.definition
      let slow = SlowFlow(graph)
      let loss = SlowFlow.key(graph, model.loss.value)
      let passing = slow.reach([loss], backwards: true)
      let any = slow.reach([loss], backwards: true, onlyPassing: false)
      let flow = FlowGraph(graph.nodes)
      let end = flow.index[model.loss.value]
      let ways = flow.ways(to: [end])
      // Only of these is a gradient ever asked.
      for value in values(of: graph) where graph.type(of: value).dtype.isFloatingPoint {
        let (key, number) = (SlowFlow.key(graph, value), flow.index[value])
        #expect(ways.isOpen(from: number) == passing.contains(key), "seed \(seed): \(key)")
        #expect(ways.exists(from: number) == any.contains(key), "seed \(seed): \(key)")
        if passing.contains(key) { open += 1 } else if any.contains(key) { cut += 1 } else { none += 1 }
        guard ways.exists(from: number) else { continue }
        // The way is one: it begins here, hangs together and ends at the loss.
        let path = flow.path(from: number, along: ways)
        #expect((path.first?.from ?? number) == number && (path.last?.to ?? number) == end)
        #expect(zip(path, path.dropFirst()).allSatisfy { $0.to == $1.from })
        #expect(path.allSatisfy { $0.flow == .passes } == ways.isOpen(from: number))
      }
    }
    #expect(open > 200 && cut > 20 && none > 200)
  }

  /// In a loop's body marks go round as often as there is something to mark.
  @Test(arguments: 0..<2) func walksGoRound(_ block: Int) throws {
    var rounds = 0
    for seed in block * 60..<block * 60 + 60 {
      let model = RandomModel(seed: seed)
      for case let scan as Scan in model.graph.definition.nodes.map(\.op) {
        let flow = FlowGraph(body: scan.body)
        for carry in 0..<scan.carries {
          let output = flow.index[scan.body.outputs[carry]]
          let marks = flow.below([output]) { $0.flow == .passes }
          for round in flow.rounds where marks[round.input] {
            #expect(marks[round.output], "seed \(seed)")
            rounds += 1
          }
          let above = flow.above([output]) { $0.flow == .passes }
          for round in flow.rounds where above[round.output] { #expect(above[round.input]) }
        }
      }
    }
    #expect(rounds > 20)
  }

  /// What the flow of a loop says of an operand and a result is what ways through its body are.
  @Test func loopsPassWhatTheirBodiesPass() throws {
    var (passing, other) = (0, 0)
    for seed in 0..<80 {
      let graph = RandomModel(seed: seed).graph.definition
      let slow = SlowFlow(graph)
      for (position, node) in graph.nodes.enumerated() where node.op is Scan {
        for (operand, input) in node.inputs.enumerated() {
          // Only operands that come in once tell one way from another.
          guard node.inputs.count(where: { $0 == input }) == 1 else { continue }
          let reached = slow.reach([SlowFlow.key(graph, input)])
          for result in node.types.indices {
            let isOpen = reached.contains(SlowFlow.key(graph, Value(position, result)))
            let passes = node.op.gradientFlow(from: operand, to: result) == .passes
            // By another node that is an operand too a gradient may get there as well.
            if passes { #expect(isOpen, "seed \(seed): \(node.name)") }
            if passes { passing += 1 } else { other += 1 }
          }
        }
      }
    }
    #expect(passing > 50 && other > 50)
  }

  /// Opening the first cuts of a value, all of them, opens its way as far as the next ones.
  @Test func firstCutsAreWhereWaysAreCut() throws {
    var compared = 0
    for seed in 0..<200 {
      let model = try RandomScopes(seed: seed)
      let graph = model.graph.definition
      let flow = FlowGraph(graph.nodes)
      let ways = flow.ways(to: [flow.index[model.loss.value]])
      let cuts = flow.firstCuts(along: ways, limit: .max)
      let few = flow.firstCuts(along: ways, limit: 2)
      for read in graph.variableReads.map({ flow.index[$0.value] }) {
        guard ways.exists(from: read), !ways.isOpen(from: read) else {
          #expect(cuts[read].isEmpty)
          continue
        }
        // By hand: edges that pass nothing from where a gradient could go, towards the loss.
        let near = flow.above([read]) { $0.flow == .passes }
        let expected = flow.edges.indices.filter { number in
          let edge = flow.edges[number]
          return near[edge.from] && edge.flow != .passes && ways.exists(from: edge.to)
        }
        #expect(cuts[read] == flow.firstCuts(among: expected), "seed \(seed)")
        #expect(few[read] == Array(cuts[read].prefix(2)), "seed \(seed)")
        compared += 1
      }
    }
    #expect(compared > 100)
  }

  /// Edges of the removed gradients are those that are live without freezing and stops, and not with them.
  @Test func removedEdgesAgreeWithBruteForce() throws {
    for seed in 0..<60 {
      let model = RandomModel(seed: seed)
      let graph = model.graph.definition
      let trainability = try Trainability(graph.variables, freezing: "a | d", thawing: nil)
      let removed = PruningRecord(graph, of: model.loss.value, trainability: trainability).removed
      var stops: Set<String> = []
      func collect(_ graph: GraphDef) {
        for node in graph.nodes {
          if node.mnemonic == "stop_gradient" { stops.insert(node.name) }
          if let scan = node.op as? Scan { collect(scan.body) }
        }
      }
      collect(graph)
      func live(_ slow: SlowFlow, _ names: Set<String>) -> Set<String> {
        slow.reach(reads(names, in: graph).map { SlowFlow.key(graph, $0) })
          .intersection(slow.reach([SlowFlow.key(graph, model.loss.value)], backwards: true))
      }
      let whole = live(SlowFlow(graph, opening: stops), ["a", "b", "c", "d", "e"])
      let kept = live(SlowFlow(graph), ["b", "c", "e"])
      for edge in removed {
        let producer = try #require(graph.index(ofNodeNamed: edge.producer))
        let consumer = try #require(graph.index(ofNodeNamed: edge.consumer))
        let node = graph.nodes[consumer]
        #expect(node.inputs[edge.operand].node == producer)
        #expect(whole.contains(SlowFlow.key(graph, node.inputs[edge.operand])), "seed \(seed): \(edge)")
        // At a node with one result and one kind of edge, both ends live would mean that the edge is kept.
        if !(node.op is Scan), node.types.count == 1, node.mnemonic != "stop_gradient" {
          let isKept =
            kept.contains(SlowFlow.key(graph, node.inputs[edge.operand]))
            && kept.contains(SlowFlow.key(graph, Value(consumer)))
          #expect(!isKept, "seed \(seed): \(edge)")
        }
      }
    }
  }
}
