import FirnGraph
import FirnOps

extension Compiler {
  /// `resolve-modes`: what behaves differently in training and inference becomes one or the other (rule 4).
  ///
  /// In a training compilation a node runs in training mode unless a scope around it is frozen, that is, has parameters
  /// and all of them are frozen; `keepingTrainingMode:` opts scopes out by path. Without training, everything is in
  /// inference mode.
  ///
  /// Assignments that belong to training become plain ones where their variable moves, and are dropped elsewhere. Of
  /// several to one variable, as a layer called twice has them, each goes on from what the one before assigned, and the
  /// last is carried out.
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
    let modes = try Modes(graph, context.request, context.trainability)
    return graph.resolvingModes(modes, in: ModalPlace(), assignments: TrainingAssignments(graph, modes))
  }
}

/// The assignments of a graph that belong to training.
private struct TrainingAssignments {
  /// Of each variable that moves, the node that has the last word.
  var last: [String: String] = [:]
  /// Names of the nodes that only they need.
  var own: Set<String> = []

  init() {}

  init(_ graph: GraphDef, _ modes: Modes) {
    var all: Set<String> = []
    for node in graph.nodes {
      guard let assignment = node.trainingAssignment else { continue }
      all.insert(node.name)
      guard case .moves = modes.motion(of: assignment.variable, at: ModalPlace().node(node.name)) else {
        continue
      }
      last[assignment.variable] = node.name
    }
    guard !last.isEmpty else { return }
    let others = graph.removingDeadNodes(keepingAssignments: false).nodes.map(\.name)
    own = Set(graph.nodes.map(\.name)).subtracting(others)
  }
}

extension GraphDef {
  fileprivate func resolvingModes(
    _ modes: Modes, in place: ModalPlace, assignments: TrainingAssignments
  ) -> GraphDef {
    let graph = Graph()
    var moved: [[Value]] = []
    // By variable, what was assigned so far.
    var assigned: [String: Value] = [:]
    for node in nodes {
      let original = node
      var node = node
      node.inputs = node.inputs.map { input in
        if assignments.own.contains(node.name), case .reads(let name) = nodes[input.node].op.effect,
          let newer = assigned[name]
        {
          return newer
        }
        return moved[input.node][input.result]
      }
      let place = place.node(node.name)
      if let scan = node.op as? Scan {
        let body = scan.body.resolvingModes(modes, in: place.body, assignments: TrainingAssignments())
        node.op = scan.with(body: body)
      }
      if let assignment = original.trainingAssignment {
        node.inputs.removeLast()
        if case .moves = modes.motion(of: assignment.variable, at: place) {
          assigned[assignment.variable] = node.inputs[0]
        }
        if assignments.last[assignment.variable] != node.name { node.op = PassThrough(.identity) }
      }
      if let modal = node.op as? any ModalOp {
        let operands = node.inputs.map { Tensor(graph, $0) }
        let results = graph.section(node.scope, phase: node.phase) {
          modal.results(operands, inInference: modes.isInference(place))
        }
        guard let results else {
          let position = graph.adopt(node)
          moved.append(node.types.indices.map { Value(position, $0) })
          continue
        }
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
