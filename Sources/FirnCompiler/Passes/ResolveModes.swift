import FirnGraph
import FirnOps

extension Compiler {
  /// `resolve-modes`: what behaves differently in training and inference becomes one or the other (rule 4).
  ///
  /// In a training compilation a node runs in training mode unless a scope around it is frozen, that is, has parameters
  /// and all of them are frozen; `keepingTrainingMode:` opts scopes out by path. Without training, everything is in
  /// inference mode.
  ///
  ///     variable encoder/w : f32[2] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     %encoder/w = read() {variable = "encoder/w", dtype = f32, shape = [2]} : f32[2]
  ///     %random_state = random_state() : i32[4]
  ///     %encoder/dropout = dropout(%encoder/w, %random_state) {rate = 0.5, key = "encoder/dropout"} : f32[2]
  ///     return %encoder/dropout
  ///
  /// becomes
  ///
  ///     variable encoder/w : f32[2] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     %encoder/w = read() {variable = "encoder/w", dtype = f32, shape = [2]} : f32[2]
  ///     %random_state = random_state() : i32[4]
  ///     %encoder/dropout = identity(%encoder/w) : f32[2]
  ///     return %encoder/dropout
  package static let resolveModes = Pass("resolve-modes") { graph, context throws(FirnError) in
    let request = context.request
    var kept: Set<String> = []
    if let selection = request.keepingTrainingMode {
      kept = Set(try selection.resolve(paths: graph.modalPlaces(in: ModalPlace()).flatMap(\.paths)))
    }
    let trainability = context.trainability
    return graph.resolvingModes(in: ModalPlace()) { place in
      guard request.isTrainingMode else { return true }
      return !place.paths.contains { kept.contains($0) }
        && Path.ancestors(of: place.scoped).contains { trainability.isFrozen(scope: $0) }
    }
  }
}

/// Where a node stands.
private struct ModalPlace {
  /// Below the scopes that its layer's variables are in: a loop is no scope.
  var scoped = ""
  /// As graphs show it, below the loops that hold it.
  var nested = ""

  /// Both, as selections may name either.
  var paths: [String] { scoped == nested ? [scoped] : [scoped, nested] }

  func node(_ name: String) -> ModalPlace {
    ModalPlace(scoped: Path.joined(scoped, name), nested: Path.joined(nested, name))
  }

  /// What is inside the loop that stands here.
  var body: ModalPlace { ModalPlace(scoped: Path.parent(of: scoped), nested: nested) }
}

extension GraphDef {
  /// The places of the nodes that have two modes.
  fileprivate func modalPlaces(in place: ModalPlace) -> [ModalPlace] {
    nodes.flatMap { node in
      let place = place.node(node.name)
      if let scan = node.op as? Scan { return scan.body.modalPlaces(in: place.body) }
      return node.op is any ModalOp ? [place] : []
    }
  }

  fileprivate func resolvingModes(in place: ModalPlace, isInference: (ModalPlace) -> Bool) -> GraphDef {
    let graph = Graph()
    var moved: [[Value]] = []
    for node in nodes {
      var node = node
      node.inputs = node.inputs.map { moved[$0.node][$0.result] }
      let place = place.node(node.name)
      if let scan = node.op as? Scan {
        node.op = scan.with(body: scan.body.resolvingModes(in: place.body, isInference: isInference))
      }
      if let modal = node.op as? any ModalOp, isInference(place) {
        let operands = node.inputs.map { Tensor(graph, $0) }
        let results = graph.section(node.scope, phase: node.phase) { modal.inferenceResults(operands) }
        guard results.map(\.type) == node.types else {
          firnBug("resolve-modes", "`\(place.nested)` changed its type")
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
