/// What a gradient rule is told: the node's operands and results, the adjoints of its results, and which operands
/// want one.
package struct GradientContext {
  /// The operands of the node, as tensors of the graph being extended.
  package let operands: [Tensor]
  package let results: [Tensor]
  /// The adjoint of each result; nil where none reached it.
  package let cotangents: [Tensor?]
  package let wants: [Bool]
  /// Index of the node in the graph being extended, for a rule that must widen it to keep more results.
  package let node: Int
  /// Reverse-mode differentiation of a nested graph, for ops that carry one.
  package let differentiator: any Differentiator

  package init(
    operands: [Tensor], results: [Tensor], cotangents: [Tensor?], wants: [Bool], node: Int,
    differentiator: any Differentiator
  ) {
    self.operands = operands
    self.results = results
    self.cotangents = cotangents
    self.wants = wants
    self.node = node
    self.differentiator = differentiator
  }

  /// The adjoint of a single-result node's result; the differentiator asks for a gradient only where it exists.
  package var cotangent: Tensor {
    guard let only = cotangents.first, let cotangent = only else {
      firnBug("gradient", "a rule ran without a cotangent")
    }
    return cotangent
  }

  /// The graph being extended.
  package var graph: Graph { results[0].graph }

  /// Adjoints where wanted, in operand order; a rule lists one closure an operand, and only wanted ones run.
  package func adjoints(_ rules: (() -> Tensor)...) -> [Tensor?] {
    zip(wants, rules).map { wanted, rule in wanted ? rule() : nil }
  }
}

/// Adds adjoint nodes to a graph.
package protocol Differentiator {
  /// The scope adjoint nodes are put below; inside it the paths of the forward nodes repeat.
  var prefix: String { get }

  /// The adjoints of `targets` given adjoints of `results`, both in `graph`; nil for targets no gradient reaches.
  func adjoints(
    of results: [Value], seeds: [Tensor], withRespectTo targets: [Value], stopping: [Value], in graph: Graph
  ) -> [Tensor?]
}
