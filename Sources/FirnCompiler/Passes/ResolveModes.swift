import FirnGraph
import FirnOps

extension Compiler {
  /// `resolve-modes`: what behaves differently in training and inference becomes one or the other (rule 4).
  ///
  /// In a training compilation a node runs in training mode unless a scope around it is frozen, that is, has parameters
  /// and all of them are frozen; `keepingTrainingMode:` and `keepingInferenceMode:` say otherwise by path. Without
  /// training, everything is in inference mode.
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
  package static let resolveModes = Pass("resolve-modes", isRequired: true) {
    graph, context throws(FirnError) in
    let modes = try context.modes(of: graph)
    return graph.resolvingModes(modes, in: ModalPlace(), assignments: TrainingAssignments(graph, modes))
  }
}

/// The assignments of a graph that belong to training.
private struct TrainingAssignments {
  /// Of each variable that moves, the node that has the last word.
  var last: [String: String] = [:]
  /// For each node, whether only they need it; empty where there are none.
  private var ownNodes: [Bool] = []

  init() {}

  init(_ graph: GraphDef, _ modes: Modes) {
    for position in graph.nodes.indices where graph.nodes[position].traits.contains(.writes) {
      guard let assignment = graph.nodes[position].trainingAssignment else { continue }
      let node = graph.nodes[position]
      guard case .moves = modes.motion(of: assignment.variable, at: ModalPlace().node(node.name)) else {
        continue
      }
      last[assignment.variable] = node.name
    }
    guard !last.isEmpty else { return }
    ownNodes = graph.liveNodes(keepingAssignments: false).isLive.map { !$0 }
  }

  /// Whether only they need the node at `position`.
  func own(_ position: Int) -> Bool { !ownNodes.isEmpty && ownNodes[position] }
}

extension GraphDef {
  fileprivate func resolvingModes(
    _ modes: Modes, in place: ModalPlace, assignments: TrainingAssignments
  ) -> GraphDef {
    // By variable, what was assigned so far.
    var assigned: [String: Value] = [:]
    return rewritten { rewriter, position in
      let isOwn = assignments.own(position)
      if !isOwn, nodes[position].traits.isDisjoint(with: .modedOrWriting) { return }
      let original = nodes[position]
      var node = original
      node.inputs = node.inputs.map { input in
        if isOwn, case .reads(let name) = nodes[input.node].op.effect,
          let newer = assigned[name]
        {
          return newer
        }
        return rewriter(input)
      }
      let place = place.node(node.name)
      if let op = node.op(changingBody: {
        $0.resolvingModes(modes, in: place.body, assignments: TrainingAssignments())
      }) {
        node.op = op
      }
      if let assignment = original.trainingAssignment {
        node.inputs.removeLast()
        if case .moves = modes.motion(of: assignment.variable, at: place) {
          assigned[assignment.variable] = node.inputs[0]
        }
        if assignments.last[assignment.variable] != node.name { node.op = PassThrough(.identity) }
      }
      if let modal = node.modal {
        let operands = node.inputs.map { Tensor(rewriter.graph, $0) }
        let results = rewriter.graph.section(node.scope, phase: node.phase) {
          modal.results(operands, inInference: modes.isInference(place))
        }
        if let results {
          guard results.map(\.type) == node.types else {
            firnBug("resolve-modes", "`\(place.nested)` changed its type")
          }
          guard results.count == 1, operands.contains(results[0]) else {
            for (result, tensor) in results.enumerated() {
              rewriter.replace(Value(position, result), with: tensor.value)
            }
            return
          }
          node.op = PassThrough(.identity)
          node.inputs = [results[0].value]
        }
      }
      if node != rewriter.kept(position) { rewriter.place(node, insteadOf: position) }
    }
  }
}
