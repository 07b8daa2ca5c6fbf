import FirnGraph
import FirnOps

extension Compiler {
  /// `split-variables`: a variable that is trained in part is read as blocks, the frozen ones behind a stop (rule 13).
  ///
  /// What follows differentiates by the trained blocks alone, so that only they have adjoints, slots and updates.
  /// Gradients the user asked for by name were expanded before: they are of the whole variable. With rows 1 and 2 of
  /// `w` frozen:
  ///
  ///     variable w : f32[3] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [3]} : f32[3]
  ///     %loss = reduce_sum(%w) {axes = [0], keeps_axes = false} : f32[]
  ///     return %loss
  ///
  /// becomes
  ///
  ///     variable w : f32[3] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [3]} : f32[3]
  ///     %w/slice = slice(%w) {starts = [0], limits = [1], steps = [1]} : f32[1]
  ///     %w/slice_1 = slice(%w) {starts = [1], limits = [3], steps = [1]} : f32[2]
  ///     %w/stop_gradient = stop_gradient(%w/slice_1) : f32[2]
  ///     %w/concat = concat(%w/slice, %w/stop_gradient) {axis = 0} : f32[3]
  ///     %loss = reduce_sum(%w/concat) {axes = [0], keeps_axes = false} : f32[]
  ///     return %loss
  package static let splitVariables = Pass("split-variables", isRequired: true) {
    graph, context throws(FirnError) in
    context.request.training == nil ? graph : graph.splittingVariables(context)
  }
}

extension GraphDef {
  fileprivate func splittingVariables(_ context: CompilationContext) -> GraphDef {
    rewritten { rewriter, position in
      guard nodes[position].traits.contains(.reads) else { return }
      let node = nodes[position]
      guard case .reads(let name) = node.op.effect else { return }
      let blocks = context.trainedBlocks(name)
      guard
        let axis = blocks.first?.axis, let extent = node.types[0].shape[axis].value
      else { return }
      rewriter.keep(position)
      let read = rewriter.tensor(Value(position))
      func piece(_ range: Range<Int>) -> Tensor {
        read.sliced(axis: axis, from: Dim(range.lowerBound), to: Dim(range.upperBound))
      }
      let whole = rewriter.graph.section(node.name, phase: node.phase) {
        var pieces: [Tensor] = []
        var end = 0
        for range in blocks.map(\.range) + [extent..<extent] {
          if end < range.lowerBound { pieces.append(stopGradient(piece(end..<range.lowerBound))) }
          if !range.isEmpty { pieces.append(piece(range)) }
          end = range.upperBound
        }
        return concatenate(pieces, axis: axis)
      }
      rewriter.replace(Value(position), with: whole.value)
    }
  }
}
