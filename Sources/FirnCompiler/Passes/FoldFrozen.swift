import FirnGraph
import FirnOps

extension Compiler {
  /// `fold-frozen`: frozen factors, summands and linear maps in a row become one, so that more is computed once.
  ///
  ///     variable w : f32[3,2] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     variable s : f32[2] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     %x = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///     %w = read() {variable = "w", dtype = f32, shape = [3,2]} : f32[3,2]
  ///     %s = read() {variable = "s", dtype = f32, shape = [2]} : f32[2]
  ///     %y = matmul(%x, %w) {transpose_a = false, transpose_b = false} : f32[batch,2]
  ///     %scale = broadcast(%s) {shape = [batch,2]} : f32[batch,2]
  ///     %z = mul(%y, %scale) : f32[batch,2]
  ///     return %z
  ///
  /// becomes
  ///
  ///     variable w : f32[3,2] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     variable s : f32[2] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     %x = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///     %w = read() {variable = "w", dtype = f32, shape = [3,2]} : f32[3,2]
  ///     %s = read() {variable = "s", dtype = f32, shape = [2]} : f32[2]
  ///     %y/factor = broadcast(%s) {shape = [3,2]} : f32[3,2]
  ///     %y/folded = mul(%w, %y/factor) : f32[3,2]
  ///     %y = matmul(%x, %y/folded) {transpose_a = false, transpose_b = false} : f32[batch,2]
  ///     return %y
  ///
  /// A batch norm in inference mode is a factor and a summand: its factor goes into the kernel before it, or behind it, and
  /// its summand to the bias. Ops say themselves where a factor can stand (`factor`). Two products in a row are one where
  /// that is less work.
  ///
  /// It rounds differently, so it is done only for variables that a selection or their declaration freezes: a program in
  /// which nothing is frozen has the bits that it always had. What is fetched, or read by something else as well, stays.
  /// Loops' bodies are left alone.
  package static let foldFrozen = Pass("fold-frozen") { graph, context throws(FirnError) in
    let trainability = context.together
    let written = context.writtenByCopies.union(graph.writtenVariables)
    var standings: [String: FrozenFolder.Standing] = [:]
    for variable in graph.variables where !written.contains(variable.name) {
      switch trainability.status(of: variable) {
      case .frozen: standings[variable.name] = .frozen
      case .state: standings[variable.name] = .still
      case .trainable, .trained, .partly, .cutOff, .notUnderLoss, .neverRead: break
      }
    }
    guard standings.values.contains(.frozen) else { return graph }
    let (result, folds) = graph.foldingFrozen(standings)
    context.folds += folds
    return result
  }
}

extension GraphDef {
  /// - Parameter standings: of the variables that do not change.
  func foldingFrozen(_ standings: [String: FrozenFolder.Standing]) -> (graph: GraphDef, folds: [Fold]) {
    var folder = FrozenFolder(self, standings)
    for position in nodes.indices { folder.visit(position) }
    if folder.folds.isEmpty { return (self, []) }
    var result = folder.finish().removingDeadNodes(keepingAssignments: true)
    // What stands for an op has its name, now that the op itself is gone.
    var names = Set(result.nodes.map(\.name))
    for position in result.nodes.indices {
      guard let name = folder.names[result.nodes[position].name], names.insert(name).inserted else {
        continue
      }
      result.nodes[position].name = name
    }
    let folds = folder.folds.map { fold in
      Fold(fold.kind, folder.names[fold.name] ?? fold.name, into: folder.names[fold.into] ?? fold.into)
    }
    // Forward and backward products may have asked for the same kernel.
    return (result.mergingCommonSubexpressions(), folds)
  }
}
