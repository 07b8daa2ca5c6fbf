import FirnGraph
import FirnOps

extension Compiler {
  /// `resolve-modes`: what behaves differently in training and inference becomes one or the other (rule 4).
  ///
  /// In a training compilation a node runs in training mode unless a scope around it is frozen, that is, has parameters
  /// and all of them are frozen; `keepingTrainingMode:` opts scopes out by path. Without training, everything is in
  /// inference mode.
  ///
  ///     %encoder/dropout = dropout(%encoder/h, %random_state) {…}   →   %encoder/dropout = identity(%encoder/h)
  package static let resolveModes = Pass("resolve-modes") { graph, context throws(FirnError) in
    let request = context.request
    var kept: Set<String> = []
    if let selection = request.keepingTrainingMode {
      kept = Set(try selection.resolve(paths: graph.modalPaths(below: "")))
    }
    let trainability = context.trainability
    return graph.resolvingModes(below: "") { path in
      guard request.isTrainingMode else { return true }
      return !kept.contains(path) && Path.ancestors(of: path).contains { trainability.isFrozen(scope: $0) }
    }
  }
}

extension GraphDef {
  /// Paths of the nodes that have two modes, those in loops below the loop's own path.
  fileprivate func modalPaths(below prefix: String) -> [String] {
    nodes.flatMap { node in
      let path = Path.joined(prefix, node.name)
      if let scan = node.op as? Scan { return scan.body.modalPaths(below: path) }
      return node.op is any ModalOp ? [path] : []
    }
  }

  fileprivate func resolvingModes(below prefix: String, isInference: (String) -> Bool) -> GraphDef {
    let graph = Graph()
    var moved: [[Value]] = []
    for node in nodes {
      var node = node
      node.inputs = node.inputs.map { moved[$0.node][$0.result] }
      let path = Path.joined(prefix, node.name)
      if let scan = node.op as? Scan {
        node.op = scan.with(body: scan.body.resolvingModes(below: path, isInference: isInference))
      }
      if let modal = node.op as? any ModalOp, isInference(path) {
        let operands = node.inputs.map { Tensor(graph, $0) }
        let results = graph.section(node.scope, phase: node.phase) { modal.inferenceResults(operands) }
        guard results.map(\.type) == node.types else {
          firnBug("resolve-modes", "`\(path)` changed its type")
        }
        if results.count == 1, operands.contains(results[0]) {
          node.op = PassThrough(.identity)
          node.inputs = [results[0].value]
          moved.append([Value(graph.adopt(node))])
        } else {
          moved.append(results.map(\.value))
        }
      } else {
        let position = graph.adopt(node)
        moved.append(node.types.indices.map { Value(position, $0) })
      }
    }
    var result = graph.definition
    result.variables = variables
    result.outputs = outputs.map { moved[$0.node][$0.result] }
    return result
  }
}
