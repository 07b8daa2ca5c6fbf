package import FirnGraph
import FirnOps

extension Compiler {
  /// `recompute`: of scopes that are to be computed again, later parts of a step read copies, made where the first is read.
  ///
  /// Where `body` is one,
  ///
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %body/a = exp(%x) : f32[2]
  ///     %body/b = tanh(%body/a) : f32[2]
  ///     %y = exp(%body/b) : f32[2]
  ///     %gradients/body/b/square = square(%body/b) : f32[2] @backward
  ///     %gradients/body/a/mul = mul(%body/a, %gradients/body/b/square) : f32[2] @backward
  ///     return %y, %gradients/body/a/mul
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %body/a = exp(%x) : f32[2]
  ///     %body/b = tanh(%body/a) : f32[2]
  ///     %y = exp(%body/b) : f32[2]
  ///     %recomputed/body/a = exp(%x) : f32[2] @backward
  ///     %recomputed/body/b = tanh(%recomputed/body/a) : f32[2] @backward
  ///     %gradients/body/b/square = square(%recomputed/body/b) : f32[2] @backward
  ///     %gradients/body/a/mul = mul(%recomputed/body/a, %gradients/body/b/square) : f32[2] @backward
  ///     return %y, %gradients/body/a/mul
  ///
  /// Copied is what the adjoints of the scope read and what that takes: of a part that no gradient passes, nothing. What
  /// comes into the scope is kept, and what leaves it if something else reads it later. Copies draw the same random
  /// numbers, by their keys, and write nothing: averages move once. Values of scopes of their own are each other's
  /// boundaries. A loop in the scope is copied whole.
  package static let recompute = Pass("recompute") { graph, context throws(FirnError) in
    if context.recomputing.isEmpty { return graph }
    let (result, copies) = graph.recomputing(context.recomputing)
    context.recomputed += copies
    return result
  }
}

extension GraphDef {
  /// - Parameter scopes: paths, none of them in another.
  package func recomputing(_ scopes: [String]) -> (graph: GraphDef, copies: [RecomputedCopy]) {
    let again = RecomputedNodes(self, in: scopes)
    if again.isEmpty { return (self, []) }
    // By node, the first result of its copy, and what that is called.
    var copies: [Int: Int] = [:]
    var names: [Int: String] = [:]
    let result = rewritten { rewriter, position in
      let node = nodes[position]
      let operands = node.inputs.indices.filter { again.readsCopy(operand: $0, of: position) }
      if operands.isEmpty { return }
      for operand in operands {
        for member in again.needed(for: node.inputs[operand], having: { copies[$0] != nil }) {
          var model = nodes[member]
          let inputs = model.inputs.map { input in
            copies[input.node].flatMap { again.isCopied(input, in: member) ? Value($0, input.result) : nil }
              ?? rewriter(input)
          }
          model.phase = .backward
          copies[member] =
            rewriter.emit(
              model.op, inputs, named: Path.joined("recomputed", model.name), like: model)[0].node
          names[member] = copies[member].map { rewriter.nodes[$0].name }
        }
      }
      var reader = rewriter.kept(position)
      for operand in operands {
        let input = node.inputs[operand]
        guard let copy = copies[input.node] else { continue }
        reader.inputs[operand] = Value(copy, input.result)
      }
      rewriter.place(reader, insteadOf: position)
    }
    return (result.removingDeadNodes(keepingAssignments: true), again.copies { names[$0] })
  }
}
