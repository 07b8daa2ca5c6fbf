import FirnGraph
import FirnOps

/// What a run that checks numerics looks for in the results of a step.
///
/// Infinities that come of a constant are the user's own. What `select` alone reads is looked at when it has chosen: of
/// what it discards nothing matters.
package struct NumericCheck: Sendable, Hashable {
  /// Whether only NaN is a fault.
  package var allowsInfinity = false
  /// Whether it is deferred to a later step, which answers for this one.
  package var isDeferred = false
  /// Whether nothing is looked at: what it makes is still under way.
  package var isPassedOver = false
  /// The steps it answers for, ascending.
  package var answersFor: [Int] = []
}

/// The checks of a graph's steps, as they are planned one after the other.
struct PlannedChecks {
  let infinite: InfiniteValues
  private let deferred: DeferredChecks
  private let underWay: Set<Int>
  /// For each node, the steps it answers for.
  private var answersFor: [Int: [Int]] = [:]

  init(_ graph: GraphDef, infinite: InfiniteValues) {
    self.infinite = infinite
    deferred = DeferredChecks(graph)
    underWay = Set(graph.nodes.indices.filter { graph.nodes[$0].op.numerics.isUnderWay })
  }

  /// - Parameter step: the number the node's step gets.
  mutating func check(of node: Int, making values: [Value], as step: Int) -> NumericCheck {
    let answering = deferred.answering[node]
    defer { for other in answering { answersFor[other, default: []].append(step) } }
    return NumericCheck(
      allowsInfinity: values.contains { infinite[$0] }, isDeferred: !answering.isEmpty,
      isPassedOver: underWay.contains(node), answersFor: answersFor[node] ?? [])
  }

  /// What may be infinite in the body of a loop that stands here.
  func infinite(in loop: Scan, of node: Node) -> InfiniteValues {
    InfiniteValues(bodyOf: loop, operands: node.inputs.map { infinite[$0] })
  }
}

/// Which nodes of a graph have their results looked at by another.
struct DeferredChecks {
  /// For each node, the nodes that answer for it; none where it answers for itself.
  private(set) var answering: [Set<Int>]

  init(_ graph: GraphDef) {
    answering = Array(repeating: [], count: graph.nodes.count)
    // Nothing is deferred where nothing chooses.
    guard graph.nodes.contains(where: { !$0.op.numerics.choices.isEmpty }) else { return }
    let consumers = graph.consumers
    let outputs = Set(graph.outputs.map(\.node))
    for (position, node) in graph.nodes.enumerated().reversed() {
      // The values of a backward program are chosen among by derivatives: there the first fault is worth knowing.
      guard node.phase == .forward, node.kernelOp != nil || node.isView, node.types.count == 1,
        !outputs.contains(position)
      else {
        continue
      }
      var nodes: Set<Int> = []
      for reader in consumers[position] where graph.nodes[reader].phase == .forward {
        let numerics = graph.nodes[reader].op.numerics
        let isDeferred = !answering[reader].isEmpty
        let isChosen = graph.nodes[reader].inputs.indices.allSatisfy {
          graph.nodes[reader].inputs[$0].node != position || numerics.choices.contains($0)
        }
        guard isChosen || isDeferred && numerics.carriesInfinity else {
          nodes = []
          break
        }
        nodes.formUnion(isDeferred ? answering[reader] : [reader])
      }
      answering[position] = nodes
    }
  }
}

extension Node {
  fileprivate var isView: Bool { if case .view = op.aliasing { true } else { false } }
}
