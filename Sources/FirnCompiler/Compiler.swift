package import FirnGraph
import FirnOps

extension Compiler {
  /// The pipeline, in order, with the reason for each place.
  package static let pipeline: [Pass] = [
    // First, so that nothing below works on what nobody asked for, and no fetch pulls in a stray assignment.
    deadCode,
    // Before differentiation: what a frozen dropout does decides which gradients exist.
    resolveModes,
    // Requests the user wrote come first: the loss may be made of their results.
    expandGradients,
    // Before marking: of a variable frozen in part, the trained blocks are what a gradient is asked for.
    splitVariables,
    // The objective's own request, over exactly the variables a gradient reaches: no adjoint is built to be thrown away.
    pruneGradients,
    // Before expansion, while each gradient still is one result of one node.
    applyOptimizer,
    // Now the objective's.
    expandGradients,
    // Only after every expansion may a `stop_gradient` go: until then it is what cuts.
    simplify,
    // Once loops read whole variables again: of an adjoint that only a block is wanted of, only that is computed.
    narrowAdjoints,
    // Before the loops: equal totals and equal operands of theirs are one by now.
    commonSubexpressions,
    // First of the loops', so that what the others find outside is all that does not vary.
    hoistInvariants,
    batchSteps,
    // Last of them: what is stacked for a product after the loop is there for a sum.
    sumAfterLoops,
    // Loops forth and back have put the same before them.
    commonSubexpressions,
    // Once more: expansion leaves residuals nobody reads, merging leaves what was merged.
    deadCode,
  ]

  /// Runs the pipeline.
  ///
  /// - Parameters:
  ///   - pipeline: other passes, for tests.
  ///   - dump: is given the input and every stage that differs from the one before.
  /// - Throws: what the request gets wrong (selection, gradients without path, loss that is no scalar).
  package static func compile(
    _ request: CompilationRequest, pipeline: [Pass] = pipeline, dump: (any StageDump)? = nil
  ) throws(FirnError) -> Compilation {
    try request.graph.verify()
    var context = try CompilationContext(request)
    var graph = request.graph
    graph.outputs = request.fetches
    if let training = request.training {
      let type = graph.type(of: training.loss)
      guard type.shape.rank == 0, type.dtype.isFloatingPoint else {
        throw FirnError(
          .notScalar, "the loss is \(type), not a floating-point scalar",
          remedy: "reduce it, for instance with `mean()`", place: graph.name(of: training.loss),
          location: graph.nodes[training.loss.node].location)
      }
      if let norm = training.clippingNorm, !(norm > 0) {
        throw FirnError(
          .invalidArgument, "the clipping norm is \(norm)", remedy: "give a positive one, or none")
      }
      try training.optimizer.validate()
      graph.outputs.append(training.loss)
    }
    dump?.stage("input", graph, at: 0)
    for (position, pass) in pipeline.enumerated() {
      let result = try pass.run(graph, &context)
      guard result != graph else { continue }
      verify(result, after: pass.name)
      context.history.append(
        PassRecord(pass: pass.name, nodesBefore: graph.nodes.count, nodesAfter: result.nodes.count))
      graph = result
      dump?.stage(pass.name, graph, at: position + 1)
    }
    try requireOneWriter(graph)
    return Compilation(graph: graph, context: context)
  }

  /// Two assignments of one variable have no order that a user could know.
  private static func requireOneWriter(_ graph: GraphDef) throws(FirnError) {
    var writers: [String: Node] = [:]
    for node in graph.nodes {
      guard case .writes(let name) = node.op.effect else { continue }
      if let first = writers.updateValue(node, forKey: name) {
        throw FirnError(
          .invalidGraph, "one run would write `\(name)` twice: by `\(first.name)` and by `\(node.name)`",
          remedy: "fetch one of the assignments, or freeze the variable where it is assigned by hand",
          place: name,
          location: node.location ?? first.location)
      }
    }
  }

  /// A pass that breaks an invariant is Firn's own fault.
  private static func verify(_ graph: GraphDef, after pass: String) {
    do {
      try graph.verify()
    } catch {
      firnBug(pass, "\(error)")
    }
  }
}

/// Where the stages of a compilation are written, for debugging.
package protocol StageDump {
  func stage(_ name: String, _ graph: GraphDef, at position: Int)
}
