/// Where a gradient exists: the values that a target can change without a cut in between, and that in turn change
/// a source the same way.
///
/// The cut is made while marking (a stopped edge is never walked), so nothing behind it is ever visited.
package struct GradientLiveness: Sendable {
  private let index: ValueIndex
  /// Reached from a target by edges that pass gradients.
  private var forward: [Bool]
  /// Of those, the ones from which a source is reached likewise: exactly these get an adjoint.
  private var live: [Bool]

  /// - Parameters:
  ///   - sources: the values differentiated, such as the loss.
  ///   - targets: the values to differentiate by.
  ///   - stopping: values held constant besides what `stop_gradient` nodes hold.
  ///   - ignoringStops: walk through `stop_gradient` too, to see what it removes.
  package init(
    _ graph: GraphDef, of sources: [Value], withRespectTo targets: [Value], stopping: [Value] = [],
    ignoringStops: Bool = false
  ) {
    let passes: (Node, Int, Int) -> Bool = { node, operand, result in
      let flow = node.op.gradientFlow(from: operand, to: result)
      return flow == .passes || ignoringStops && flow == .stopped
    }
    index = ValueIndex(graph)
    forward = Array(repeating: false, count: index.count)
    live = forward
    let targetSet = Set(targets)
    let stopped = Set(stopping)
    for (position, node) in graph.nodes.enumerated() {
      for result in node.types.indices {
        let value = Value(position, result)
        if targetSet.contains(value) {
          forward[index[value]] = true
        } else if !stopped.contains(value) {
          forward[index[value]] = node.inputs.enumerated().contains { operand, input in
            forward[index[input]] && passes(node, operand, result)
          }
        }
      }
    }
    for source in sources { live[index[source]] = forward[index[source]] }
    for (position, node) in graph.nodes.enumerated().reversed() {
      for result in node.types.indices where live[index[Value(position, result)]] {
        guard !stopped.contains(Value(position, result)) else { continue }
        for (operand, input) in node.inputs.enumerated()
        where forward[index[input]] && passes(node, operand, result) {
          live[index[input]] = true
        }
      }
    }
  }

  /// Whether an adjoint of `value` is built.
  package func isLive(_ value: Value) -> Bool { live[index[value]] }

  /// Whether a target reaches `value` without a cut.
  package func isReached(_ value: Value) -> Bool { forward[index[value]] }
}

extension GradientLiveness {
  /// The live edges of a graph, in the order of their consumers.
  package func edges(of graph: GraphDef, ignoringStops: Bool = false) -> [GradientEdge] {
    var result: [GradientEdge] = []
    for (position, node) in graph.nodes.enumerated() {
      for (operand, input) in node.inputs.enumerated() where isLive(input) {
        let passes = node.types.indices.contains { result in
          let flow = node.op.gradientFlow(from: operand, to: result)
          return isLive(Value(position, result)) && (flow == .passes || ignoringStops && flow == .stopped)
        }
        if passes {
          result.append(
            GradientEdge(consumer: node.name, operand: operand, producer: graph.nodes[input.node].name))
        }
      }
    }
    return result
  }
}

/// An edge a gradient travels against, by names so that it outlives rewriting.
public struct GradientEdge: Hashable, Sendable {
  public let consumer: String
  public let operand: Int
  public let producer: String

  package init(consumer: String, operand: Int, producer: String) {
    self.consumer = consumer
    self.operand = operand
    self.producer = producer
  }
}
