public import FirnGraph
import FirnOps

/// What one run of a program costs, by phase, in terms of the named dimensions.
public struct ProgramCost: Hashable, Sendable {
  /// Nodes, those inside loops counted once.
  public var nodes: [Node.Phase: Int] = [:]
  /// Arithmetic, loops counted with every iteration; a fused multiply-add counts 2.
  public var flops: [Node.Phase: Dim] = [:]
  /// Bytes of the optimiser's memory.
  public var slotBytes = 0

  /// - Parameter scope: count only nodes of this scope, adjoint and update nodes with those they belong to.
  package init(_ graph: GraphDef, within scope: String = "") {
    for node in graph.nodes where Path.isWithin(node.forwardPath, scope) {
      nodes[node.phase, default: 0] += node.nodeCount
      let flops = node.op.flops(of: node.inputs.map { graph.type(of: $0) }, results: node.types)
      self.flops[node.phase] = (self.flops[node.phase] ?? 0) + flops
    }
    for variable in graph.variables where variable.kind == .slot && Path.isWithin(variable.name, scope) {
      slotBytes += variable.type.byteCount.value ?? 0
    }
  }

  /// FLOPs of one phase, as a number where `binding` binds every name.
  public func flops(_ phase: Node.Phase, binding: DimBinding = [:]) -> Int? {
    (flops[phase] ?? 0).bound(by: binding).value
  }
}

extension Node {
  /// Its path without the `gradients` or `update` that marks it as belonging to that path.
  var forwardPath: String {
    phase == .forward ? name : name.firstIndex(of: "/").map { String(name[name.index(after: $0)...]) } ?? name
  }

  /// The node and, for a loop, the nodes of its body, loops in it included.
  fileprivate var nodeCount: Int {
    guard let scan = op as? Scan else { return 1 }
    return scan.body.nodes.reduce(1) { $0 + ($1.op is LoopInput ? 0 : $1.nodeCount) }
  }
}
